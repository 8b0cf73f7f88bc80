-- From schema version 6 to 7: what teachers refuse is remembered.
CREATE TABLE teacher_setting (
    teacher VARCHAR NOT NULL,
    setting VARCHAR NOT NULL,
    remedy VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (teacher, setting)
);
