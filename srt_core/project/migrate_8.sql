-- From schema version 8 to 9. Texts as vectors.
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
-- Samples that must not be used any more.
CREATE TABLE retraction (event_id BIGINT NOT NULL, sample_id VARCHAR NOT NULL, pair_hash VARCHAR NOT NULL);
-- Variety, judgements, and samples that were made of others.
CREATE TABLE variety (
    encoding_id BIGINT PRIMARY KEY,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    samples BIGINT NOT NULL,
    without BIGINT NOT NULL,
    components BIGINT NOT NULL,
    share DOUBLE NOT NULL
);
CREATE TABLE judgement (
    candidate_id BIGINT NOT NULL,
    rater VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    clarity DOUBLE,
    difficulty DOUBLE,
    explanation DOUBLE,
    accuracy DOUBLE,
    total DOUBLE CHECK (isfinite(total)),
    status VARCHAR NOT NULL,
    detail VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (candidate_id, rater)
);
CREATE TABLE expansion (
    parent VARCHAR NOT NULL,
    round INTEGER NOT NULL,
    teacher VARCHAR NOT NULL,
    sample_id VARCHAR,
    status VARCHAR NOT NULL,
    detail VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (parent, round, teacher)
);
-- Adapters under which a student answers as if it had not read what was retracted.
CREATE SEQUENCE unlearning_ids;
CREATE TABLE unlearning (
    unlearning_id BIGINT PRIMARY KEY DEFAULT nextval('unlearning_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    run_id BIGINT,
    student VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    adapter VARCHAR NOT NULL,
    reference VARCHAR NOT NULL,
    settings JSON NOT NULL,
    forgotten BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    measured BIGINT NOT NULL,
    steps BIGINT NOT NULL,
    forgotten_before DOUBLE CHECK (isfinite(forgotten_before)),
    forgotten_after DOUBLE CHECK (isfinite(forgotten_after)),
    forgotten_reference DOUBLE CHECK (isfinite(forgotten_reference)),
    kept_before DOUBLE CHECK (isfinite(kept_before)),
    kept_after DOUBLE CHECK (isfinite(kept_after)),
    kept_reference DOUBLE CHECK (isfinite(kept_reference))
);
-- Students that are trained on exports, and what they were evaluated on.
CREATE SEQUENCE experiment_ids;
CREATE TABLE experiment (
    experiment_id BIGINT PRIMARY KEY DEFAULT nextval('experiment_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    key VARCHAR NOT NULL UNIQUE,
    settings JSON NOT NULL
);
CREATE SEQUENCE run_ids;
CREATE TABLE run (
    run_id BIGINT PRIMARY KEY DEFAULT nextval('run_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    updated_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    key VARCHAR NOT NULL,
    experiment_id BIGINT,
    arm VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    export_folder VARCHAR NOT NULL,
    export_sha256 VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    student VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL DEFAULT '',
    template VARCHAR NOT NULL,
    source JSON NOT NULL,
    settings JSON NOT NULL,
    plan JSON NOT NULL,
    versions JSON NOT NULL DEFAULT '{}',
    state VARCHAR NOT NULL,
    steps BIGINT NOT NULL DEFAULT 0,
    tokens BIGINT NOT NULL DEFAULT 0,
    message VARCHAR NOT NULL DEFAULT ''
);
CREATE TABLE run_step (
    run_id BIGINT NOT NULL,
    step BIGINT NOT NULL,
    loss DOUBLE NOT NULL CHECK (isfinite(loss)),
    learning_rate DOUBLE NOT NULL,
    tokens BIGINT NOT NULL,
    seconds DOUBLE NOT NULL,
    PRIMARY KEY (run_id, step)
);
CREATE TABLE trained (export_sha256 VARCHAR NOT NULL, sample_id VARCHAR NOT NULL);
CREATE TABLE evaluated (
    run_id BIGINT NOT NULL,
    candidate_id BIGINT NOT NULL,
    sample_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    seen BOOLEAN NOT NULL,
    tokens INTEGER NOT NULL,
    loss_y DOUBLE CHECK (isfinite(loss_y)),
    loss_y_given_x DOUBLE CHECK (isfinite(loss_y_given_x)),
    parent_loss_y DOUBLE CHECK (isfinite(parent_loss_y)),
    parent_loss_y_given_x DOUBLE CHECK (isfinite(parent_loss_y_given_x)),
    status VARCHAR NOT NULL,
    PRIMARY KEY (run_id, candidate_id)
);
CREATE TABLE judged (
    run_id BIGINT NOT NULL,
    against BIGINT NOT NULL,
    judge VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    answer VARCHAR NOT NULL,
    other VARCHAR NOT NULL,
    first VARCHAR NOT NULL,
    second VARCHAR NOT NULL,
    PRIMARY KEY (run_id, against, judge, sample_id)
);
CREATE TABLE benchmark (
    run_id BIGINT NOT NULL,
    student VARCHAR NOT NULL,
    task VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    value DOUBLE CHECK (isfinite(value)),
    error DOUBLE CHECK (isfinite(error)),
    PRIMARY KEY (run_id, student, task, metric)
);
-- Teachers that are drawn from.
CREATE TABLE arm (
    producer VARCHAR PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    name VARCHAR NOT NULL,
    body JSON NOT NULL
);
CREATE TABLE arm_draw (
    sample_id VARCHAR NOT NULL,
    place INTEGER NOT NULL,
    producer VARCHAR NOT NULL,
    p DOUBLE NOT NULL CHECK (isfinite(p)),
    near BOOLEAN NOT NULL,
    seed BIGINT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (sample_id, place)
);
CREATE SEQUENCE arm_steps;
CREATE TABLE arm_step (
    step BIGINT PRIMARY KEY DEFAULT nextval('arm_steps'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    source VARCHAR NOT NULL,
    sample_id VARCHAR,
    producer VARCHAR,
    event_id BIGINT,
    candidate_id BIGINT,
    judged DOUBLE CHECK (judged BETWEEN 0 AND 1),
    gap DOUBLE CHECK (isfinite(gap)),
    reward DOUBLE CHECK (isfinite(reward)),
    beta DOUBLE CHECK (isfinite(beta)),
    floor DOUBLE CHECK (isfinite(floor)),
    joins INTEGER NOT NULL DEFAULT 0,
    corrects BIGINT,
    p_after DOUBLE[] NOT NULL
);
-- Samples that a student writes.
CREATE TABLE task (
    task_hash VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    body JSON NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
CREATE SEQUENCE generation_ids;
CREATE TABLE generation (
    generation_id BIGINT PRIMARY KEY DEFAULT nextval('generation_ids'),
    task_hash VARCHAR NOT NULL,
    student VARCHAR NOT NULL,
    step VARCHAR NOT NULL,
    parent_id BIGINT,
    round INTEGER NOT NULL,
    number INTEGER NOT NULL,
    asked VARCHAR NOT NULL,
    request_hash VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    raw VARCHAR,
    detail VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    latency_seconds DOUBLE NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
CREATE TABLE guard (
    generation_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL,
    detail VARCHAR NOT NULL,
    PRIMARY KEY (generation_id, name)
);
-- Coaches that learn from edits.
CREATE TABLE edit_distance (
    event_id BIGINT PRIMARY KEY,
    ins INTEGER NOT NULL,
    inp INTEGER NOT NULL,
    res INTEGER NOT NULL
);
CREATE TABLE coach_edit (producer VARCHAR NOT NULL, event_id BIGINT NOT NULL);
