-- From schema version 1 to 2: maps of token losses, scores of edits, and how a student computed.
ALTER TABLE scoring ADD COLUMN batching VARCHAR DEFAULT '';
ALTER TABLE scoring ADD COLUMN stamp VARCHAR DEFAULT '';

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
