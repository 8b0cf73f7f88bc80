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
