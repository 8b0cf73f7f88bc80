-- The project file, schema version 9. Texts and rows are written once; decisions are an append-only log.
-- Views are in views.sql. Times are UTC. The derived tables `panel` and `selection` are made by derived.py, for the measures that there are.

CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

-- One run of the importer over one file.
CREATE SEQUENCE import_ids;
CREATE TABLE import (
    import_id BIGINT PRIMARY KEY DEFAULT nextval('import_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    options JSON NOT NULL,              -- the column map and what else was said
    finished BOOLEAN NOT NULL DEFAULT false,
    account JSON,                       -- what came of the columns, once it is finished
    undone_by BIGINT,                   -- the event that took it back
    UNIQUE (sha256, format, options)
);

-- Which sample each row of an imported file is. A row that was there before points to the sample it is.
CREATE TABLE import_row (import_id BIGINT NOT NULL, "row" BIGINT NOT NULL, pair_hash VARCHAR NOT NULL, sample_id VARCHAR NOT NULL);

-- Rows that could not be used. Rows and lines count from 1.
CREATE SEQUENCE reject_ids;
CREATE TABLE reject (
    reject_id BIGINT NOT NULL DEFAULT nextval('reject_ids'),
    import_id BIGINT NOT NULL,
    "row" BIGINT NOT NULL,
    line BIGINT,                        -- NULL where it is not known
    lines BIGINT NOT NULL DEFAULT 1,    -- how many were skipped with it
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL DEFAULT '', -- what is true of this one alone
    raw VARCHAR NOT NULL,               -- its text, at most a million characters
    mended_by BIGINT                    -- the import in which it came mended
);

CREATE SEQUENCE sample_seqs;
CREATE TABLE sample (
    seq BIGINT NOT NULL DEFAULT nextval('sample_seqs'),
    sample_id VARCHAR PRIMARY KEY,
    import_id BIGINT NOT NULL,
    "row" BIGINT NOT NULL,
    duplicate_of VARCHAR,
    parent VARCHAR,                     -- the sample that it was expanded from; NULL where it was imported
    extra JSON NOT NULL,
    conversation VARCHAR                -- shared by the exchanges of one conversation: the id of the last; NULL for none
);

-- What makes candidates: a file that held them, a teacher with a version of the prompts, a coach.
CREATE TABLE producer (
    producer VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,              -- file, teacher, student, coach, person
    teacher VARCHAR NOT NULL DEFAULT '',
    prompt_version VARCHAR NOT NULL DEFAULT '',
    prompt_hash VARCHAR NOT NULL DEFAULT '',    -- '' where it is not known, as of a file of an older version
    prompt_texts VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);

-- What stands before pairs in their conversations, each distinct one once: whole sets share a system text.
CREATE SEQUENCE context_ids;
CREATE TABLE context (
    context_id BIGINT PRIMARY KEY DEFAULT nextval('context_ids'),
    hash VARCHAR NOT NULL UNIQUE,
    roles VARCHAR NOT NULL,             -- who speaks, in their order: system user assistant …
    messages VARCHAR NOT NULL           -- JSON: a list of objects with role and content
);

-- A sample has one ORIGINAL, and of each other origin candidates by any producer, numbered where one made several.
CREATE SEQUENCE candidate_ids;
CREATE TABLE candidate (
    candidate_id BIGINT PRIMARY KEY DEFAULT nextval('candidate_ids'),
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,
    number INTEGER NOT NULL DEFAULT 1,
    instruction VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    context_id BIGINT,                  -- NULL where nothing stands before the pair; the same for all of a sample
    parent_id BIGINT,                   -- the candidate that it rewrote; NULL for ORIGINAL, and where it is not known
    drift DOUBLE CHECK (isfinite(drift)),       -- see srt_core/project/drift.py; NULL for ORIGINAL, and where not defined
    growth DOUBLE CHECK (isfinite(growth)),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    UNIQUE (sample_id, origin, producer, number)
);
CREATE INDEX candidate_by_sample ON candidate (sample_id);

-- One call of a teacher and what came back, raw, committed before anybody reads it. A request with a reply is never
-- made again: whoever needs it finds it by its hash.
CREATE SEQUENCE call_ids;
CREATE TABLE teacher_call (
    call_id BIGINT PRIMARY KEY DEFAULT nextval('call_ids'),
    request_hash VARCHAR NOT NULL,
    producer VARCHAR NOT NULL,          -- the teacher with its version of the prompts
    stage VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,           -- answered, or why there is no reply
    raw VARCHAR,                        -- the reply; what came in its place where it is none
    detail VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    model VARCHAR NOT NULL,             -- as the server named it
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    cost DOUBLE CHECK (isfinite(cost)), -- in US dollars; NULL where no price is known
    latency_seconds DOUBLE NOT NULL,
    http_status INTEGER,
    batch_id BIGINT,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);

-- What a reply came to for a sample: accepted, refused (the reply was), failed (there was none). `origin` is what it was
-- to make of which parent.
CREATE SEQUENCE reflection_ids;
CREATE TABLE reflection (
    reflection_id BIGINT PRIMARY KEY DEFAULT nextval('reflection_ids'),
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    parent_id BIGINT,
    producer VARCHAR NOT NULL,
    call_id BIGINT,                     -- NULL: it came with a file, or there was no call
    status VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    critique JSON,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
CREATE INDEX reflection_by_sample ON reflection (sample_id);

-- Requests that were handed over to a teacher's Batch API, to be fetched by any later process.
CREATE SEQUENCE batch_ids;
CREATE TABLE batch (
    batch_id BIGINT PRIMARY KEY DEFAULT nextval('batch_ids'),
    producer VARCHAR NOT NULL,
    state VARCHAR NOT NULL,             -- preparing, sent, fetched, or failed
    tag VARCHAR NOT NULL,               -- by which the teacher's list of batches is searched after a crash
    remote_id VARCHAR,                  -- the teacher's name for it, once it is known
    remote_state VARCHAR NOT NULL DEFAULT '',
    detail VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    updated_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);
CREATE TABLE batch_request (batch_id BIGINT NOT NULL, request_hash VARCHAR NOT NULL, stage VARCHAR NOT NULL);

-- What a teacher was found to refuse of a request, and what is done about it, so that no later run asks for it again.
CREATE TABLE teacher_setting (
    teacher VARCHAR NOT NULL,           -- its name: model and host
    setting VARCHAR NOT NULL,           -- max_tokens, temperature, response_format, system, ...
    remedy VARCHAR NOT NULL,            -- limited, set, left_out, renamed, folded
    value VARCHAR NOT NULL,             -- the limit, what it is set to (JSON), or the new name; else ''
    detail VARCHAR NOT NULL,            -- what the server said
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (teacher, setting, remedy)
);

-- What a teacher's model costs, in US dollars a million tokens, where the curator said so.
CREATE TABLE price (model VARCHAR PRIMARY KEY, input DOUBLE NOT NULL, output DOUBLE NOT NULL, batch_share DOUBLE NOT NULL);

-- One way of scoring: a student, its template, convention and max length. Scores of two never mix.
CREATE SEQUENCE scoring_ids;
CREATE TABLE scoring (
    scoring_id BIGINT PRIMARY KEY DEFAULT nextval('scoring_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    student VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    dtype VARCHAR NOT NULL,
    template VARCHAR NOT NULL,
    template_hash VARCHAR NOT NULL,
    template_texts JSON NOT NULL,
    convention VARCHAR NOT NULL,
    max_length INTEGER NOT NULL,
    batching VARCHAR NOT NULL DEFAULT '',   -- how the student computed, why not faster, how near to float64
    stamp VARCHAR NOT NULL DEFAULT '',      -- of the student's files and the asked settings, once all was scored
    UNIQUE (fingerprint, template_hash, convention, max_length)
);

-- Each distinct loss, stored under a hash of all its inputs.
CREATE TABLE loss (
    key VARCHAR PRIMARY KEY,
    mean DOUBLE CHECK (isfinite(mean)),     -- DuckDB sorts NaN above every number
    tokens INTEGER NOT NULL,
    status VARCHAR NOT NULL
);

-- The losses of a target token by token, alone and given its context, kept where somebody looked at them.
CREATE TABLE token_map (
    scoring_id BIGINT NOT NULL,
    subject VARCHAR NOT NULL,           -- score or edit_score: the table that the id is of
    subject_id BIGINT NOT NULL,
    part VARCHAR NOT NULL,              -- y (the response) or x (the instruction)
    status VARCHAR NOT NULL,
    mean_alone DOUBLE CHECK (isfinite(mean_alone)),
    mean_given DOUBLE CHECK (isfinite(mean_given)),
    tokens_alone INTEGER NOT NULL,
    tokens_given INTEGER NOT NULL,
    begins INTEGER[] NOT NULL,          -- a piece: from and to which character of the target, and its two losses
    ends INTEGER[] NOT NULL,
    alone DOUBLE[] NOT NULL,
    given DOUBLE[] NOT NULL,
    PRIMARY KEY (scoring_id, subject, subject_id, part)
);

CREATE TABLE score (
    scoring_id BIGINT NOT NULL,
    candidate_id BIGINT NOT NULL,
    loss_y DOUBLE CHECK (isfinite(loss_y)),
    loss_y_given_x DOUBLE CHECK (isfinite(loss_y_given_x)),
    loss_x DOUBLE CHECK (isfinite(loss_x)),
    loss_x_given_y DOUBLE CHECK (isfinite(loss_x_given_y)),
    tokens_y INTEGER NOT NULL,
    tokens_x INTEGER NOT NULL,
    ifd DOUBLE CHECK (isfinite(ifd)),
    r_ifd DOUBLE CHECK (isfinite(r_ifd)),
    loss_ratio DOUBLE CHECK (isfinite(loss_ratio)),
    status VARCHAR NOT NULL,
    PRIMARY KEY (scoring_id, candidate_id)
);

-- The same for a pair that a person edited, by the event that holds it.
CREATE TABLE edit_score (
    scoring_id BIGINT NOT NULL,
    event_id BIGINT NOT NULL,
    loss_y DOUBLE CHECK (isfinite(loss_y)),
    loss_y_given_x DOUBLE CHECK (isfinite(loss_y_given_x)),
    loss_x DOUBLE CHECK (isfinite(loss_x)),
    loss_x_given_y DOUBLE CHECK (isfinite(loss_x_given_y)),
    tokens_y INTEGER NOT NULL,
    tokens_x INTEGER NOT NULL,
    ifd DOUBLE CHECK (isfinite(ifd)),
    r_ifd DOUBLE CHECK (isfinite(r_ifd)),
    loss_ratio DOUBLE CHECK (isfinite(loss_ratio)),
    status VARCHAR NOT NULL,
    PRIMARY KEY (scoring_id, event_id)
);

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

-- What makes vectors of texts, with the recipe of the text: vectors of two are never compared. meta.encoding_id names
-- the one in use.
CREATE SEQUENCE encoding_ids;
CREATE TABLE encoding (
    encoding_id BIGINT PRIMARY KEY DEFAULT nextval('encoding_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    encoder VARCHAR NOT NULL,           -- tfidf, or a model's name
    fingerprint VARCHAR NOT NULL,       -- of all that a vector depends on besides its text
    recipe VARCHAR NOT NULL,            -- which text of a candidate
    dimensions INTEGER NOT NULL,
    state BLOB,                         -- a model that was fitted on this project; NULL where its name opens it
    UNIQUE (fingerprint, recipe)
);
CREATE TABLE vector (
    encoding_id BIGINT NOT NULL,
    candidate_id BIGINT NOT NULL,
    text_hash VARCHAR NOT NULL,         -- equal texts have equal vectors, computed once
    vector FLOAT[],
    status VARCHAR NOT NULL,            -- ok, or undefined: the text has no vector
    PRIMARY KEY (encoding_id, candidate_id)
);

-- Rounds of triage: a model fitted on the single decisions there were by then.
CREATE SEQUENCE triage_rounds;
CREATE TABLE triage_round (
    round BIGINT PRIMARY KEY DEFAULT nextval('triage_rounds'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    encoding_id BIGINT NOT NULL,
    scoring_id BIGINT NOT NULL,         -- 0 where nothing was scored
    model_hash VARCHAR NOT NULL,
    body JSON NOT NULL,                 -- its numbers, so that every p can be computed again
    alpha DOUBLE NOT NULL,
    labels BIGINT NOT NULL,
    kept BIGINT NOT NULL,               -- of them those with label 1
    last_event BIGINT NOT NULL          -- the last event it could know of
);

-- What a round says of each sample; of all but the last round only of samples that were decided after it.
CREATE TABLE triage (
    round BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    p DOUBLE NOT NULL CHECK (isfinite(p)),
    r DOUBLE CHECK (isfinite(r)),
    q DOUBLE CHECK (isfinite(q)),
    place BIGINT                        -- in the queue; NULL for samples that were decided by then
);

-- Teachers that are drawn from (arms), in the order in which they came in; `body` is how each is asked, no key in it.
CREATE TABLE arm (
    producer VARCHAR PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,      -- from 1
    name VARCHAR NOT NULL,
    body JSON NOT NULL
);

-- Which arms were drawn for a sample, and with which probability they stood there.
CREATE TABLE arm_draw (
    sample_id VARCHAR NOT NULL,
    place INTEGER NOT NULL,             -- from 1
    producer VARCHAR NOT NULL,
    p DOUBLE NOT NULL CHECK (isfinite(p)),
    near BOOLEAN NOT NULL,              -- drawn among those that won near by
    seed BIGINT NOT NULL,
    step BIGINT NOT NULL,               -- the last step by then
    PRIMARY KEY (sample_id, place)
);

-- How the probabilities of arms came to be what they are. Playing the steps again gives `p_after`.
CREATE SEQUENCE arm_steps;
CREATE TABLE arm_step (
    step BIGINT PRIMARY KEY DEFAULT nextval('arm_steps'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    source VARCHAR NOT NULL,            -- join (arms came in), decision, reading, or correction (that was undone)
    sample_id VARCHAR,
    producer VARCHAR,
    event_id BIGINT,                    -- what a person did
    candidate_id BIGINT,                -- the version that was judged
    judged DOUBLE CHECK (judged BETWEEN 0 AND 1),
    gap DOUBLE CHECK (isfinite(gap)),   -- IFD under the small student minus that under the large; NULL: none was asked for
    reward DOUBLE CHECK (isfinite(reward)),
    beta DOUBLE CHECK (isfinite(beta)),
    floor DOUBLE CHECK (isfinite(floor)),
    joins INTEGER NOT NULL DEFAULT 0,
    corrects BIGINT,                    -- the step that no longer counts
    p_after DOUBLE[] NOT NULL           -- by `arm.place`
);

-- Tasks that a student writes samples of, as they were given.
CREATE TABLE task (
    task_hash VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    body JSON NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);

-- One try of a student, raw: an input of a task, or an answer to one. A try that brought no reply is made again.
CREATE SEQUENCE generation_ids;
CREATE TABLE generation (
    generation_id BIGINT PRIMARY KEY DEFAULT nextval('generation_ids'),
    task_hash VARCHAR NOT NULL,
    student VARCHAR NOT NULL,           -- model and host
    step VARCHAR NOT NULL,              -- input or answer
    parent_id BIGINT,                   -- of an answer: the input
    round INTEGER NOT NULL,             -- of an input; 0 of an answer
    number INTEGER NOT NULL,            -- which try, from 1
    asked VARCHAR NOT NULL,             -- the class that an input was to be of; '' for none
    request_hash VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,           -- answered, or why there is no reply
    raw VARCHAR,
    detail VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    latency_seconds DOUBLE NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);

-- What each guard says of a try, in the order in which they looked, up to the first that held it back. Computed from the
-- tries alone.
CREATE TABLE guard (
    generation_id BIGINT NOT NULL,
    place INTEGER NOT NULL,             -- from 1
    name VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL,
    detail VARCHAR NOT NULL,
    PRIMARY KEY (generation_id, name)
);

-- Policies by name; the applied one is named in meta.
CREATE TABLE policy (name VARCHAR PRIMARY KEY, body JSON NOT NULL, made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()));

-- Who did what, append-only. Decisions carry a sample; `action_id` groups a bulk action; an undo names what it undoes.
CREATE SEQUENCE event_ids;
CREATE TABLE event (
    event_id BIGINT PRIMARY KEY DEFAULT nextval('event_ids'),
    action_id BIGINT NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    author VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    sample_id VARCHAR,
    origin VARCHAR,
    candidate_id BIGINT,                -- the very text that was decided for; of an edit, what it was made of
    instruction VARCHAR,
    input VARCHAR,
    response VARCHAR,
    undoes BIGINT,
    context JSON NOT NULL
);
CREATE INDEX event_by_sample ON event (sample_id);

-- The decision that stands for each sample: the fold of the log, kept up by the transaction that appends to it.
CREATE TABLE standing (
    seq BIGINT NOT NULL,
    sample_id VARCHAR NOT NULL,
    event_id BIGINT NOT NULL,
    action VARCHAR NOT NULL,
    origin VARCHAR,
    candidate_id BIGINT,
    author VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL
);

-- The pairs of samples that were retracted: each original, and each text that was exported. A file that brings one of
-- them again brings it retracted, as long as the sample is.
CREATE TABLE retraction (
    event_id BIGINT NOT NULL,           -- the event that retracted the sample
    sample_id VARCHAR NOT NULL,
    pair_hash VARCHAR NOT NULL
);

-- What a reviewer has typed into an edit and not saved as a decision yet: one a sample and reviewer.
CREATE TABLE draft (
    author VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,            -- the version that is edited
    repairs VARCHAR,                    -- the version that failed and is written by hand; NULL for none
    instruction VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (author, sample_id)
);

-- The samples that an audit drew at random, in the order of the draw. The audit itself is an event.
CREATE TABLE drawn (
    audit_id BIGINT NOT NULL,           -- the event of the draw
    place INTEGER NOT NULL,             -- from 1
    sample_id VARCHAR NOT NULL,
    candidate_id BIGINT,                -- what the rule kept at the draw; NULL: it left the sample out, or was not asked
    was_decided BOOLEAN NOT NULL,       -- whether somebody had decided it by then
    PRIMARY KEY (audit_id, place)
);

-- Samples whose candidates, failures or scores changed since `panel` and `selection` were computed; '' is any.
CREATE TABLE stale (sample_id VARCHAR NOT NULL, version BIGINT NOT NULL);

-- What a sample is about, read from its original pair, so that a curator sees which kinds a policy keeps and drops.
CREATE TABLE kind (
    sample_id VARCHAR NOT NULL,
    task VARCHAR NOT NULL,              -- see srt_core/importing/kinds
    language VARCHAR NOT NULL,
    cluster INTEGER                     -- NULL until the samples were grouped by subject
);

-- A group of samples about one subject, with the words that set it apart.
CREATE TABLE cluster (cluster INTEGER PRIMARY KEY, words VARCHAR NOT NULL);

-- Quality marks that were found in samples: see srt_core/importing/marks.
CREATE TABLE mark (
    seq BIGINT NOT NULL,
    mark VARCHAR NOT NULL,
    version VARCHAR NOT NULL,           -- of what found it
    detail VARCHAR NOT NULL             -- what was found, and where
);

-- How far each mark was looked for, by the version that looked: in all samples up to this number.
CREATE TABLE mark_progress (mark VARCHAR PRIMARY KEY, version VARCHAR NOT NULL, until BIGINT NOT NULL);

-- Every file that was exported, with all that decided what is in it, so that it can be written again.
CREATE SEQUENCE export_ids;
CREATE TABLE export (
    export_id BIGINT PRIMARY KEY DEFAULT nextval('export_ids'),
    event_id BIGINT NOT NULL,           -- the event that logged it; what stood then stood before this event
    path VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    conversations VARCHAR,              -- what a line is; NULL before they could be joined: a sample
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

-- How far each edit went, in characters to change of instruction, input and response. It follows from the event.
CREATE TABLE edit_distance (
    event_id BIGINT PRIMARY KEY,
    ins INTEGER NOT NULL,
    inp INTEGER NOT NULL,
    res INTEGER NOT NULL
);

-- Which edits a coach learnt from, or was shown: its statistics leave their samples out.
CREATE TABLE coach_edit (producer VARCHAR NOT NULL, event_id BIGINT NOT NULL);

CREATE SEQUENCE job_ids;
CREATE TABLE job (
    job_id BIGINT PRIMARY KEY DEFAULT nextval('job_ids'),
    kind VARCHAR NOT NULL,
    state VARCHAR NOT NULL,             -- running, done, paused, failed, interrupted
    arguments JSON NOT NULL,
    done BIGINT NOT NULL DEFAULT 0,
    total BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    message VARCHAR NOT NULL DEFAULT '',
    started_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    updated_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now())
);


-- Arms that are compared: every run of one command, so that the same command goes on where it was cut off.
CREATE SEQUENCE experiment_ids;
CREATE TABLE experiment (
    experiment_id BIGINT PRIMARY KEY DEFAULT nextval('experiment_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    key VARCHAR NOT NULL UNIQUE,        -- a hash of all that was asked for
    settings JSON NOT NULL
);

-- A student that is trained on an export.
CREATE SEQUENCE run_ids;
CREATE TABLE run (
    run_id BIGINT PRIMARY KEY DEFAULT nextval('run_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    updated_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    key VARCHAR NOT NULL,               -- a hash of export, student and settings: the same command goes on with it
    experiment_id BIGINT,               -- NULL of a run by itself
    arm VARCHAR NOT NULL,               -- runs of one arm differ in their seeds alone
    seed BIGINT NOT NULL,
    export_folder VARCHAR NOT NULL,
    export_sha256 VARCHAR NOT NULL,     -- of the file of pairs that it was trained on
    folder VARCHAR NOT NULL,            -- with the trained student in it
    student VARCHAR NOT NULL,           -- the parent's name, and what scoring knows it by, once it was loaded
    fingerprint VARCHAR NOT NULL DEFAULT '',
    template VARCHAR NOT NULL,
    source JSON NOT NULL,               -- what the export says of itself: policy, template, scored student, teachers
    settings JSON NOT NULL,
    plan JSON NOT NULL,                 -- pairs, tokens, steps; measured seconds and memory
    versions JSON NOT NULL DEFAULT '{}',
    state VARCHAR NOT NULL,             -- running, paused, done, failed; interrupted: it was killed, and can go on
    steps BIGINT NOT NULL DEFAULT 0,
    tokens BIGINT NOT NULL DEFAULT 0,
    message VARCHAR NOT NULL DEFAULT ''
);

-- The loss of each step, in nats a token of the responses.
CREATE TABLE run_step (
    run_id BIGINT NOT NULL,
    step BIGINT NOT NULL,
    loss DOUBLE NOT NULL CHECK (isfinite(loss)),
    learning_rate DOUBLE NOT NULL,
    tokens BIGINT NOT NULL,             -- read so far
    seconds DOUBLE NOT NULL,            -- that the step took
    PRIMARY KEY (run_id, step)
);

-- Which samples an export that was trained on holds.
CREATE TABLE trained (export_sha256 VARCHAR NOT NULL, sample_id VARCHAR NOT NULL);

-- The losses of one version of a sample by a trained student and by its parent. Reports are computed from these.
CREATE TABLE evaluated (
    run_id BIGINT NOT NULL,
    candidate_id BIGINT NOT NULL,
    sample_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,              -- original or rewritten
    seen BOOLEAN NOT NULL,              -- whether a text of this sample was trained on
    tokens INTEGER NOT NULL,
    loss_y DOUBLE CHECK (isfinite(loss_y)),
    loss_y_given_x DOUBLE CHECK (isfinite(loss_y_given_x)),
    parent_loss_y DOUBLE CHECK (isfinite(parent_loss_y)),
    parent_loss_y_given_x DOUBLE CHECK (isfinite(parent_loss_y_given_x)),
    status VARCHAR NOT NULL,
    PRIMARY KEY (run_id, candidate_id)
);

-- Which of two students' answers a judge prefers, asked in both orders.
CREATE TABLE judged (
    run_id BIGINT NOT NULL,
    against BIGINT NOT NULL,            -- another run; 0: its own parent
    judge VARCHAR NOT NULL,
    sample_id VARCHAR NOT NULL,
    answer VARCHAR NOT NULL,
    other VARCHAR NOT NULL,
    first VARCHAR NOT NULL,             -- run, against, tie or failed: with the run's answer shown first
    second VARCHAR NOT NULL,            -- the same with it shown second
    PRIMARY KEY (run_id, against, judge, sample_id)
);

-- What a benchmark says of a trained student, or of its parent.
CREATE TABLE benchmark (
    run_id BIGINT NOT NULL,
    student VARCHAR NOT NULL,           -- trained or parent
    task VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    value DOUBLE CHECK (isfinite(value)),
    error DOUBLE CHECK (isfinite(error)),   -- its standard error; NULL where none is given
    PRIMARY KEY (run_id, student, task, metric)
);


-- How the variety of samples under an encoding was computed (its numbers are measurements), what people and judges say
-- of versions, and harder samples that teachers made of others.
CREATE TABLE variety (
    encoding_id BIGINT PRIMARY KEY,
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    samples BIGINT NOT NULL,            -- that have a vector
    without BIGINT NOT NULL,            -- that have none, and so no number
    components BIGINT NOT NULL,
    share DOUBLE NOT NULL               -- of the variance, which they hold
);
CREATE TABLE judgement (
    candidate_id BIGINT NOT NULL,
    rater VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,              -- person or judge
    clarity DOUBLE,
    difficulty DOUBLE,
    explanation DOUBLE,
    accuracy DOUBLE,
    total DOUBLE CHECK (isfinite(total)), -- the sum of the four; NULL where the judge failed
    status VARCHAR NOT NULL,            -- ok, or failed
    detail VARCHAR NOT NULL DEFAULT '', -- why it failed
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (candidate_id, rater)
);
CREATE TABLE expansion (
    parent VARCHAR NOT NULL,            -- the sample that was to be made harder
    round INTEGER NOT NULL,             -- from 1
    teacher VARCHAR NOT NULL,
    sample_id VARCHAR,                  -- what was made of it; NULL where it failed
    status VARCHAR NOT NULL,            -- made, known (another sample has this pair), or failed
    detail VARCHAR NOT NULL DEFAULT '',
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    PRIMARY KEY (parent, round, teacher)
);

-- Adapters under which a student answers as if it had not read what was retracted: nothing of it is erased by them.
CREATE SEQUENCE unlearning_ids;
CREATE TABLE unlearning (
    unlearning_id BIGINT PRIMARY KEY DEFAULT nextval('unlearning_ids'),
    made_at TIMESTAMP NOT NULL DEFAULT timezone('UTC', now()),
    run_id BIGINT,                      -- whose student it is; NULL where the two files alone said what was read
    student VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,       -- of the student, which stays as it is
    adapter VARCHAR NOT NULL,           -- its folder
    reference VARCHAR NOT NULL,         -- a student that was retrained without the pairs; '' where none is given
    settings JSON NOT NULL,
    forgotten BIGINT NOT NULL,          -- pairs
    kept BIGINT NOT NULL,
    measured BIGINT NOT NULL,           -- of the kept pairs
    steps BIGINT NOT NULL,
    forgotten_before DOUBLE CHECK (isfinite(forgotten_before)), -- losses, in nats a token, the mean over pairs
    forgotten_after DOUBLE CHECK (isfinite(forgotten_after)),
    forgotten_reference DOUBLE CHECK (isfinite(forgotten_reference)),
    kept_before DOUBLE CHECK (isfinite(kept_before)),
    kept_after DOUBLE CHECK (isfinite(kept_after)),
    kept_reference DOUBLE CHECK (isfinite(kept_reference))
);
