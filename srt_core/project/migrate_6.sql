-- From schema version 6 to 7: what teachers refuse is remembered.
CREATE TABLE teacher_setting (
    teacher VARCHAR NOT NULL,
    setting VARCHAR NOT NULL,
    remedy VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (teacher, setting)
);

-- A top share says of how many it is and how it is rounded; until now it was of what is left, and rounded down.
UPDATE policy SET body = json_merge_patch(body, '{"share_of": "kept", "share_rounding": "floor"}');
UPDATE meta SET value = json_merge_patch(value::JSON, '{"share_of": "kept", "share_rounding": "floor"}')
WHERE key = 'policy';

-- What was cut is known by text now. Of earlier scores only those whose status is ok are known to be whole.
INSERT INTO measurement (subject, subject_id, measure, source, value, status)
SELECT 'candidate', candidate_id, unnest(['response_read', 'instruction_read']), 'scoring ' || scoring_id, NULL, 'unknown'
FROM score WHERE status <> 'ok';
