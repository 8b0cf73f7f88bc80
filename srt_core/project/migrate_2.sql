-- From schema version 2 to 3: candidates of several producers side by side, decisions that name a text, drift.
-- `panel` and `selection` are rebuilt before they are read; drifts are computed then too (`meta.drift_filled`).
DROP VIEW verdict;
DROP VIEW standing;
DROP TABLE panel;
DROP TABLE selection;
DELETE FROM meta WHERE key IN ('panel_key', 'selection_key');
INSERT INTO meta VALUES ('drift_filled', '0');

CREATE TABLE producer (
    producer VARCHAR PRIMARY KEY,
    teacher VARCHAR NOT NULL,
    prompt_version VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,       -- '' where it is not known, as of a file of an older version
    prompt_texts VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);

INSERT INTO producer
SELECT teacher, teacher, arg_max(prompt_version, reflection_id), '', '', min(made_at)
FROM reflection WHERE teacher IN (SELECT producer FROM candidate) GROUP BY teacher;

ALTER TABLE candidate RENAME TO candidate_2;
CREATE TABLE candidate (
    candidate_id BIGINT PRIMARY KEY DEFAULT nextval('candidate_ids'),
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,
    instruction VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    parent_id BIGINT,                   -- the candidate that it rewrote; NULL for ORIGINAL, and where it is not known
    drift DOUBLE CHECK (isfinite(drift)),       -- see srt_core/drift.py; NULL for ORIGINAL, and where not defined
    growth DOUBLE CHECK (isfinite(growth)),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    UNIQUE (sample_id, origin, producer)
);

INSERT INTO candidate (candidate_id, sample_id, origin, producer, instruction, input, response, parent_id, growth, made_at)
SELECT own.candidate_id, own.sample_id, own.origin, own.producer, own.instruction, own.input, own.response,
       CASE own.origin WHEN 'BOTH' THEN instruction.candidate_id
                       WHEN 'ORIGINAL' THEN NULL ELSE original.candidate_id END,
       CASE WHEN own.origin <> 'ORIGINAL' THEN length(own.response) / nullif(length(original.response), 0) END,
       own.made_at
FROM candidate_2 AS own
LEFT JOIN candidate_2 AS original ON original.sample_id = own.sample_id AND original.origin = 'ORIGINAL'
LEFT JOIN candidate_2 AS instruction ON instruction.sample_id = own.sample_id AND instruction.origin = 'INSTRUCTION'
ORDER BY own.candidate_id;
DROP TABLE candidate_2;

ALTER TABLE event ADD COLUMN candidate_id BIGINT;
UPDATE event SET candidate_id = candidate.candidate_id FROM candidate
WHERE candidate.sample_id = event.sample_id AND candidate.origin = event.origin
  AND event.context ->> 'repairs' IS NULL;      -- a repair was made of no candidate

CREATE VIEW standing AS
SELECT sample_id, max(event_id) AS event_id, arg_max(kind, event_id) AS action,
       arg_max_null(origin, event_id) AS origin, arg_max_null(candidate_id, event_id) AS candidate_id,
       arg_max(author, event_id) AS author, arg_max(made_at, event_id) AS made_at
FROM event
WHERE kind IN ('approve', 'choose', 'edit', 'reject', 'park')
  AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
GROUP BY sample_id;

CREATE TABLE panel (
    seq BIGINT NOT NULL,
    sample_id VARCHAR NOT NULL,
    original_id BIGINT NOT NULL,            -- candidates
    response_id BIGINT,
    instruction_id BIGINT,
    both_id BIGINT,
    has_response BOOLEAN NOT NULL,
    has_instruction BOOLEAN NOT NULL,
    has_both BOOLEAN NOT NULL,
    failed_response BOOLEAN NOT NULL,
    failed_instruction BOOLEAN NOT NULL,
    failed_both BOOLEAN NOT NULL,
    original_ifd DOUBLE,
    response_ifd DOUBLE,
    instruction_ifd DOUBLE,
    both_ifd DOUBLE,
    original_r_ifd DOUBLE,
    response_r_ifd DOUBLE,
    instruction_r_ifd DOUBLE,
    both_r_ifd DOUBLE,
    original_loss_ratio DOUBLE,
    response_loss_ratio DOUBLE,
    instruction_loss_ratio DOUBLE,
    both_loss_ratio DOUBLE,
    original_characters INTEGER NOT NULL,   -- of the response
    response_characters INTEGER,
    instruction_characters INTEGER,
    both_characters INTEGER,
    response_drift DOUBLE,
    instruction_drift DOUBLE,
    both_drift DOUBLE,
    response_growth DOUBLE,
    instruction_growth DOUBLE,
    both_growth DOUBLE,
    unscored INTEGER NOT NULL,              -- candidates without an IFD or an r-IFD
    truncated BOOLEAN NOT NULL
);

CREATE TABLE selection (
    seq BIGINT NOT NULL,
    sample_id VARCHAR NOT NULL,
    winner VARCHAR NOT NULL,
    winner_id BIGINT NOT NULL,
    origin VARCHAR,
    candidate_id BIGINT,                    -- what is kept: the winner, or none
    reason VARCHAR NOT NULL,
    winner_ifd DOUBLE,
    winner_r_ifd DOUBLE,
    winner_drift DOUBLE,
    winner_growth DOUBLE,
    closeness DOUBLE                        -- the smallest distance to a threshold that decided, in the threshold's unit
);

CREATE VIEW verdict AS
SELECT selection.*, standing.event_id, standing.action, standing.author, standing.made_at,
       CASE WHEN standing.action IN ('approve', 'choose', 'edit') THEN standing.origin
            WHEN standing.action = 'reject' THEN NULL
            ELSE selection.origin END AS verdict_origin,
       CASE WHEN standing.action IN ('approve', 'choose', 'edit') THEN standing.candidate_id
            WHEN standing.action = 'reject' THEN NULL
            ELSE selection.candidate_id END AS verdict_id,
       coalesce(standing.action IN ('approve', 'choose', 'edit', 'reject'), false) AS decided,
       coalesce(standing.action IN ('approve', 'choose', 'edit'), false) AS approved
FROM selection LEFT JOIN standing USING (sample_id);

-- Every call of a teacher apart from what its reply came to; batches; prices.
CREATE SEQUENCE call_ids;
CREATE TABLE teacher_call (
    call_id BIGINT PRIMARY KEY DEFAULT nextval('call_ids'),
    request_hash VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    raw VARCHAR,
    detail VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    cost DOUBLE CHECK (isfinite(cost)),
    latency_seconds DOUBLE NOT NULL,
    http_status INTEGER,
    batch_id BIGINT,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
INSERT INTO teacher_call BY NAME
SELECT nextval('call_ids') AS call_id, request_hash, teacher AS producer,
       if(origin = 'INSTRUCTION', 'instruction', 'response') AS stage, 'answered' AS outcome, raw, '' AS detail,
       coalesce(finish_reason, '') AS finish_reason, '' AS model, prompt_tokens, completion_tokens,
       coalesce(latency_seconds, 0) AS latency_seconds, made_at
FROM reflection WHERE raw IS NOT NULL ORDER BY reflection_id;

CREATE TABLE reflection_3 (
    reflection_id BIGINT PRIMARY KEY DEFAULT nextval('reflection_ids'),
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    parent_id BIGINT,
    producer VARCHAR NOT NULL,
    call_id BIGINT,
    status VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    critique JSON,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
INSERT INTO reflection_3 BY NAME
SELECT reflection_id, sample_id, origin, teacher AS producer, status, reason, detail, critique, made_at,
       if(raw IS NULL, NULL, row_number() OVER (PARTITION BY raw IS NULL ORDER BY reflection_id)) AS call_id
FROM reflection ORDER BY reflection_id;
DROP TABLE reflection;
ALTER TABLE reflection_3 RENAME TO reflection;

CREATE SEQUENCE batch_ids;
CREATE TABLE batch (
    batch_id BIGINT PRIMARY KEY DEFAULT nextval('batch_ids'),
    producer VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,
    remote_id VARCHAR,
    remote_state VARCHAR NOT NULL DEFAULT '',
    detail VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    updated_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
CREATE TABLE batch_request (batch_id BIGINT NOT NULL, request_hash VARCHAR NOT NULL, stage VARCHAR NOT NULL);
CREATE TABLE price (model VARCHAR PRIMARY KEY, input DOUBLE NOT NULL, output DOUBLE NOT NULL, batch_share DOUBLE NOT NULL);

CREATE VIEW reflected AS
SELECT reflection.*, request_hash, raw, finish_reason, model, prompt_tokens, completion_tokens, cost, latency_seconds
FROM reflection LEFT JOIN teacher_call USING (call_id);
