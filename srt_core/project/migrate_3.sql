-- From schema version 3 to 4: the standing decisions are a table, kinds of samples have one.
DROP VIEW verdict;
DROP VIEW standing;

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

INSERT INTO standing
SELECT seq, sample_id, event_id, kind, origin, candidate_id, author, made_at
FROM event JOIN sample USING (sample_id)
WHERE event_id IN (
    SELECT max(event_id) FROM event
    WHERE kind IN ('approve', 'choose', 'edit', 'reject', 'park')
      AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
    GROUP BY sample_id);

CREATE TABLE stale (sample_id VARCHAR NOT NULL, version BIGINT NOT NULL);
DELETE FROM meta WHERE key IN ('panel_key', 'selection_key');

CREATE TABLE kind (
    sample_id VARCHAR NOT NULL,
    task VARCHAR NOT NULL,              -- see srt_core/kinds
    language VARCHAR NOT NULL,
    cluster INTEGER                     -- NULL until the samples were grouped by subject
);

CREATE TABLE cluster (cluster INTEGER PRIMARY KEY, words VARCHAR NOT NULL);

CREATE INDEX candidate_by_sample ON candidate (sample_id);
CREATE INDEX reflection_by_sample ON reflection (sample_id);
CREATE INDEX event_by_sample ON event (sample_id);

CREATE VIEW verdict AS
SELECT selection.*, standing.event_id, standing.action, standing.author, standing.made_at,
       CASE WHEN standing.action IN ('approve', 'choose', 'edit') THEN standing.origin
            WHEN standing.action = 'reject' THEN NULL
            ELSE selection.origin END AS verdict_origin,
       CASE WHEN standing.action IN ('approve', 'choose', 'edit') THEN standing.candidate_id
            WHEN standing.action = 'reject' THEN NULL
            ELSE selection.candidate_id END AS verdict_id,
       coalesce(standing.action IN ('approve', 'choose', 'edit', 'reject'), false) AS decided,
       coalesce(standing.action IN ('approve', 'choose', 'edit'), false) AS approved
FROM selection LEFT JOIN standing USING (seq);
