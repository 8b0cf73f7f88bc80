-- From schema version 5 to 6: pairs have a context, samples a conversation and quality marks.
CREATE SEQUENCE context_ids;
CREATE TABLE context (
    context_id BIGINT PRIMARY KEY DEFAULT nextval('context_ids'),
    hash VARCHAR NOT NULL UNIQUE,
    messages VARCHAR NOT NULL           -- JSON: a list of objects with role and content
);

ALTER TABLE sample ADD COLUMN conversation VARCHAR;
ALTER TABLE export ADD COLUMN conversations VARCHAR;

-- Made again, not altered: DuckDB cannot replay a log that alters a table whose checks call isfinite().
DROP INDEX candidate_by_sample;
ALTER TABLE candidate RENAME TO candidate_5;
CREATE TABLE candidate (
    candidate_id BIGINT PRIMARY KEY DEFAULT nextval('candidate_ids'),
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,
    number INTEGER NOT NULL DEFAULT 1,
    instruction VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    context_id BIGINT,                  -- NULL where nothing stands before the pair; the same for all of a sample
    parent_id BIGINT,                   -- the candidate that it rewrote; NULL for ORIGINAL, and where it is not known
    drift DOUBLE CHECK (isfinite(drift)),       -- see srt_core/project/drift.py; NULL for ORIGINAL, and where not defined
    growth DOUBLE CHECK (isfinite(growth)),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    UNIQUE (sample_id, origin, producer, number)
);
INSERT INTO candidate
SELECT candidate_id, sample_id, origin, producer, number, instruction, input, response, NULL, parent_id, drift, growth,
       made_at
FROM candidate_5 ORDER BY candidate_id;
DROP TABLE candidate_5;
CREATE INDEX candidate_by_sample ON candidate (sample_id);

CREATE TABLE mark (
    seq BIGINT NOT NULL,
    mark VARCHAR NOT NULL,
    version VARCHAR NOT NULL,           -- of what found it
    detail VARCHAR NOT NULL             -- what was found, and where
);
CREATE TABLE mark_progress (mark VARCHAR PRIMARY KEY, version VARCHAR NOT NULL, until BIGINT NOT NULL);
