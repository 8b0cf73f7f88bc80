-- From schema version 8 to 9: texts as vectors.
CREATE SEQUENCE encoding_ids;
CREATE TABLE encoding (
    encoding_id BIGINT PRIMARY KEY DEFAULT nextval('encoding_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    encoder VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    recipe VARCHAR NOT NULL,
    dimensions INTEGER NOT NULL,
    state BLOB,
    UNIQUE (fingerprint, recipe)
);
CREATE TABLE vector (
    encoding_id BIGINT NOT NULL,
    candidate_id BIGINT NOT NULL,
    text_hash VARCHAR NOT NULL,
    vector FLOAT[],
    status VARCHAR NOT NULL,
    PRIMARY KEY (encoding_id, candidate_id)
);
