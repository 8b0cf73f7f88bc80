-- From schema version 1 to 2: token losses, scores of edits, and how a student computed.
ALTER TABLE scoring ADD COLUMN batching VARCHAR DEFAULT '';

CREATE TABLE token_loss (key VARCHAR PRIMARY KEY, nlls DOUBLE[] NOT NULL);

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
