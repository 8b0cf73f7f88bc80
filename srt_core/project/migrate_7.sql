-- From schema version 7 to 8: drafts of edits are kept with the project.
CREATE TABLE draft (
    author VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    repairs VARCHAR,
    instruction VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (author, sample_id)
);
