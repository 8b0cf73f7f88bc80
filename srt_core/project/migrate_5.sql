-- From schema version 5 to 6: pairs have a context, samples a conversation and quality marks; rows count from 1, and
-- rejects can be mended.
CREATE SEQUENCE context_ids;
CREATE TABLE context (
    context_id BIGINT PRIMARY KEY DEFAULT nextval('context_ids'),
    hash VARCHAR NOT NULL UNIQUE,
    roles VARCHAR NOT NULL,             -- who speaks, in their order: system user assistant …
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

ALTER TABLE import ADD COLUMN account JSON;
ALTER TABLE import ADD COLUMN undone_by BIGINT;
UPDATE import_row SET "row" = "row" + 1;
UPDATE sample SET "row" = "row" + 1;

CREATE SEQUENCE reject_ids;
ALTER TABLE reject RENAME TO reject_5;
CREATE TABLE reject (
    reject_id BIGINT NOT NULL DEFAULT nextval('reject_ids'),
    import_id BIGINT NOT NULL,
    "row" BIGINT NOT NULL,
    line BIGINT,                        -- NULL where it is not known
    lines BIGINT NOT NULL DEFAULT 1,    -- how many were skipped with it
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL DEFAULT '', -- what is true of this one alone
    raw VARCHAR NOT NULL,               -- its text, at most a million characters
    mended_by BIGINT                    -- the import in which it came mended
);
INSERT INTO reject (import_id, "row", line, reason, raw)
SELECT import_id, "row" + 1, line, reason, raw FROM reject_5 ORDER BY import_id, "row";
DROP TABLE reject_5;

CREATE TABLE mark (
    seq BIGINT NOT NULL,
    mark VARCHAR NOT NULL,
    version VARCHAR NOT NULL,           -- of what found it
    detail VARCHAR NOT NULL             -- what was found, and where
);
CREATE TABLE mark_progress (mark VARCHAR PRIMARY KEY, version VARCHAR NOT NULL, until BIGINT NOT NULL);
