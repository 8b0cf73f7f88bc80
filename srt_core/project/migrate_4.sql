-- From schema version 4 to 5: producers of several kinds, numbered candidates, measurements, what exports held.
-- `panel`, `selection` and `verdict` are made again by derived.py, and computed before they are read.
DROP VIEW IF EXISTS verdict;
DROP TABLE panel;
DROP TABLE selection;
DELETE FROM meta WHERE key = 'selection_key';

ALTER TABLE sample ADD COLUMN parent VARCHAR;

ALTER TABLE producer RENAME TO producer_4;
CREATE TABLE producer (
    producer VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,              -- file, teacher, student, coach, person
    teacher VARCHAR NOT NULL DEFAULT '',
    prompt_version VARCHAR NOT NULL DEFAULT '',
    prompt_hash VARCHAR NOT NULL DEFAULT '',    -- '' where it is not known, as of a file of an older version
    prompt_texts VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
INSERT INTO producer
SELECT producer, 'teacher', teacher, prompt_version, prompt_hash, prompt_texts, made_at FROM producer_4 ORDER BY made_at, producer;
DROP TABLE producer_4;
-- Whatever made candidates or failed reflections and was not listed came with a file.
INSERT INTO producer (producer, kind, made_at)
SELECT producer, 'file', min(made_at) FROM (
    SELECT producer, made_at FROM candidate UNION ALL SELECT producer, made_at FROM reflection)
WHERE producer NOT IN (SELECT producer FROM producer) GROUP BY producer ORDER BY min(made_at), producer;

DROP INDEX candidate_by_sample;
ALTER TABLE candidate RENAME TO candidate_4;
CREATE TABLE candidate (
    candidate_id BIGINT PRIMARY KEY DEFAULT nextval('candidate_ids'),
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,
    number INTEGER NOT NULL DEFAULT 1,
    instruction VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    parent_id BIGINT,                   -- the candidate that it rewrote; NULL for ORIGINAL, and where it is not known
    drift DOUBLE CHECK (isfinite(drift)),       -- see srt_core/project/drift.py; NULL for ORIGINAL, and where not defined
    growth DOUBLE CHECK (isfinite(growth)),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    UNIQUE (sample_id, origin, producer, number)
);
INSERT INTO candidate
SELECT candidate_id, sample_id, origin, producer, 1, instruction, input, response, parent_id, drift, growth, made_at
FROM candidate_4 ORDER BY candidate_id;
DROP TABLE candidate_4;
CREATE INDEX candidate_by_sample ON candidate (sample_id);

-- Numbers that are computed later, one row each: of a candidate (by its id) or of a sample (by its number). A number
-- that is not defined, or could not be computed, is NULL with a status that says why.
CREATE TABLE measurement (
    subject VARCHAR NOT NULL,           -- candidate or sample
    subject_id BIGINT NOT NULL,
    measure VARCHAR NOT NULL,
    source VARCHAR NOT NULL,            -- what computed it: the version of a function, the hash of a model
    value DOUBLE CHECK (isfinite(value)),
    status VARCHAR NOT NULL,            -- ok, undefined, or why it failed
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (measure, source, subject, subject_id)
);

-- Every file that was exported, with all that decided what is in it, so that it can be written again.
CREATE SEQUENCE export_ids;
CREATE TABLE export (
    export_id BIGINT PRIMARY KEY DEFAULT nextval('export_ids'),
    event_id BIGINT NOT NULL,           -- the event that logged it; what stood then stood before this event
    path VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    filter JSON NOT NULL,
    policy JSON NOT NULL,
    scoring_id BIGINT,                  -- NULL where nothing was scored
    rows BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL
);

-- Which text of which sample each row of an exported file of pairs is.
CREATE TABLE exported (
    export_id BIGINT NOT NULL,
    "row" BIGINT NOT NULL,              -- from 1
    sample_id VARCHAR NOT NULL,
    candidate_id BIGINT,                -- NULL of an edit
    edit_id BIGINT,                     -- the event of an edit
    pair_hash VARCHAR NOT NULL
);

-- A policy names its method: that of the preset it is, else the one whose options it has.
UPDATE policy SET body = json_merge_patch(body, json_object('method', CASE
    WHEN body ->> 'accept_instruction' = 'never' AND body ->> 'accept_response' = 'never'
        THEN if(body ->> 'rank_by' = 'loss_ratio', 'cherry', 'superfiltering')
    WHEN body ->> 'accept_instruction' = 'always' AND body ->> 'accept_response' = 'always' THEN 'reflection_tuning'
    ELSE 'selective_reflection' END));
UPDATE meta SET value = json_merge_patch(value::JSON, json_object('method', CASE
    WHEN value ->> 'accept_instruction' = 'never' AND value ->> 'accept_response' = 'never'
        THEN if(value ->> 'rank_by' = 'loss_ratio', 'cherry', 'superfiltering')
    WHEN value ->> 'accept_instruction' = 'always' AND value ->> 'accept_response' = 'always' THEN 'reflection_tuning'
    ELSE 'selective_reflection' END))::VARCHAR
WHERE key = 'policy';
