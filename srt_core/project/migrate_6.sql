-- From schema version 6 to 7: what teachers refuse is remembered.
CREATE TABLE teacher_setting (
    teacher VARCHAR NOT NULL,
    setting VARCHAR NOT NULL,
    remedy VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (teacher, setting, remedy)
);
-- Batches kept the names of the settings as one text: `max_completion_tokens temperature`.
INSERT INTO teacher_setting (teacher, setting, remedy, value, detail)
SELECT key[9:], 'max_tokens', 'renamed', 'max_completion_tokens', '' FROM meta
WHERE starts_with(key, 'wording:') AND starts_with(value, 'max_completion_tokens');
INSERT INTO teacher_setting (teacher, setting, remedy, value, detail)
SELECT key[9:], 'temperature', 'left_out', '', '' FROM meta
WHERE starts_with(key, 'wording:') AND NOT contains(value, 'temperature');
DELETE FROM meta WHERE starts_with(key, 'wording:');

-- What audits drew. Those of before were open: they keep their draws, and have no readings.
CREATE TABLE drawn (
    audit_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    sample_id VARCHAR NOT NULL,
    candidate_id BIGINT,
    was_decided BOOLEAN NOT NULL,
    PRIMARY KEY (audit_id, place)
);
INSERT INTO drawn
SELECT audit_id, row_number() OVER (PARTITION BY audit_id ORDER BY event_id, number), sample_id, candidate_id, false
FROM (
    SELECT event_id, coalesce((context ->> 'extends')::BIGINT, event_id) AS audit_id,
           unnest(from_json(context -> 'sample_ids', '["VARCHAR"]')) AS sample_id,
           unnest(from_json(context -> 'candidate_ids', '["BIGINT"]')) AS candidate_id,
           unnest(range(json_array_length(context -> 'sample_ids')::BIGINT)) AS number
    FROM event WHERE kind = 'audit'
);

-- A top share says of how many it is and how it is rounded; until now it was of what is left, and rounded down.
UPDATE policy SET body = json_merge_patch(body, '{"share_of": "kept", "share_rounding": "floor"}');
UPDATE meta SET value = json_merge_patch(value::JSON, '{"share_of": "kept", "share_rounding": "floor"}')
WHERE key = 'policy';

-- What was cut is known by text now. Of earlier scores only those whose status is ok are known to be whole.
INSERT INTO measurement (subject, subject_id, measure, source, value, status)
SELECT 'candidate', candidate_id, unnest(['response_read', 'instruction_read']), 'scoring ' || scoring_id, NULL, 'unknown'
FROM score WHERE status <> 'ok';
