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
-- Which samples tell most.
CREATE SEQUENCE triage_rounds;
CREATE TABLE triage_round (
    round BIGINT PRIMARY KEY DEFAULT nextval('triage_rounds'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    encoding_id BIGINT NOT NULL,
    scoring_id BIGINT NOT NULL,
    model_hash VARCHAR NOT NULL,
    body JSON NOT NULL,
    alpha DOUBLE NOT NULL,
    labels BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    last_event BIGINT NOT NULL
);
CREATE TABLE triage (
    round BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    p DOUBLE NOT NULL CHECK (isfinite(p)),
    r DOUBLE CHECK (isfinite(r)),
    q DOUBLE CHECK (isfinite(q)),
    place BIGINT
);
