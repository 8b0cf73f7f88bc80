-- What is read in many places: said once here, made again in every file that has another version of this text.

-- The kinds of event that decide a sample. The others are undo, import, policy, export, scoring and the like.
CREATE OR REPLACE MACRO is_decision(kind) AS kind IN ('approve', 'choose', 'edit', 'reject', 'park', 'retract');

-- The decisions that have a sample exported, as the version that they name.
CREATE OR REPLACE MACRO is_approval(kind) AS kind IN ('approve', 'choose', 'edit');

-- The decisions that have nothing of a sample exported: left out by a reviewer, or retracted, over which nothing decides.
CREATE OR REPLACE MACRO is_refusal(kind) AS kind IN ('reject', 'retract');

-- Whether an event is of an action on many samples at once, by its context. Within a string of JSON quotes are escaped.
CREATE OR REPLACE MACRO is_bulk(context) AS contains(context, '"bulk":');

-- Of a decision that going back in the history made again: the event and the person that made it first. It keeps what it
-- was by then: evidence, a bulk action, a decision before or after a reading. Of any other event: its own.
CREATE OR REPLACE MACRO is_restored(context) AS contains(context, '"restores":');
CREATE OR REPLACE MACRO first_made(event_id, context) AS
    CASE WHEN is_restored(context) THEN (context ->> 'restores')::BIGINT ELSE event_id END;
CREATE OR REPLACE MACRO decided_by(author, context) AS
    CASE WHEN is_restored(context) THEN context ->> 'decided_by' ELSE author END;

-- The decisions that were not undone.
CREATE OR REPLACE VIEW decision AS
SELECT * FROM event
WHERE is_decision(kind) AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL);

-- What stands beside a sample in a reviewer's own words: its note, the last that was written, and its tags.
CREATE OR REPLACE VIEW note AS
SELECT sample_id, context ->> 'text' AS text, author, made_at FROM event
WHERE kind = 'note' AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY event_id DESC) = 1 AND context ->> 'text' <> '';
CREATE OR REPLACE VIEW tag AS
SELECT sample_id, context ->> 'tag' AS tag FROM event
WHERE kind IN ('tag', 'untag') AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY sample_id, context ->> 'tag' ORDER BY event_id DESC) = 1 AND kind = 'tag';

-- What each reviewer gave a version by the rubric, the last that was not undone, a row a dimension: of a candidate, or of
-- the text of an edit, by its event.
CREATE OR REPLACE VIEW rubric AS
SELECT sample_id, candidate_id, event_id, rater, made_at, line.side AS side, line.dimension AS dimension,
       line.points AS points, line.flaw AS flaw
FROM (
    SELECT sample_id, (context ->> 'candidate')::BIGINT AS candidate_id, (context ->> 'edit')::BIGINT AS event_id,
           author AS rater, made_at,
           unnest(from_json(context -> 'rubric',
               '[{"side": "VARCHAR", "dimension": "VARCHAR", "points": "INTEGER", "flaw": "BOOLEAN"}]')) AS line
    FROM (
        FROM event WHERE kind = 'rubric' AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
        QUALIFY row_number() OVER (PARTITION BY sample_id, context ->> 'candidate', context ->> 'edit', author
                                   ORDER BY event_id DESC) = 1));

-- Samples with a known answer, which an owner gave: the version to keep, or none (NULL) to leave it out.
CREATE OR REPLACE VIEW gold AS
SELECT event_id, sample_id, origin, candidate_id, author, made_at FROM event
WHERE kind IN ('gold', 'ungold') AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY event_id DESC) = 1 AND kind = 'gold';

-- What each reviewer did last with a gold sample that was mixed into a queue, before which sample. It decides nothing.
CREATE OR REPLACE VIEW calibration AS
SELECT event_id, sample_id, author, made_at, origin, candidate_id, context ->> 'answer' AS answer,
       context ->> 'before' AS before
FROM event
WHERE kind = 'calibration' AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY sample_id, author ORDER BY event_id DESC) = 1;

-- The last blind reading of each sample that was not undone: the versions in the order in which they were shown, those
-- that may be trained on, the best of them (NULL: not said).
CREATE OR REPLACE VIEW reading AS
SELECT event_id, sample_id, author, made_at, (context ->> 'audit')::BIGINT AS audit_id,
       from_json(context -> 'shown', '["BIGINT"]') AS shown, from_json(context -> 'marked', '["BIGINT"]') AS marked,
       (context ->> 'best')::BIGINT AS best
FROM event
WHERE kind = 'reading' AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY event_id DESC) = 1;

-- Each candidate with its context, the messages before it in JSON: its pair whole.
CREATE OR REPLACE VIEW pair AS
SELECT candidate.*, context.messages AS context FROM candidate LEFT JOIN context USING (context_id);

-- The pairs that people wrote, each by its event, in the context of the candidate that was edited.
CREATE OR REPLACE VIEW edited_pair AS
SELECT event.event_id, event.sample_id, event.origin, event.instruction, event.input, event.response, candidate.context_id,
       context.messages AS context
FROM event LEFT JOIN candidate ON candidate.candidate_id = event.candidate_id
    LEFT JOIN context ON context.context_id = candidate.context_id
WHERE event.kind = 'edit';

-- The samples in the order in which they cover what a policy leaves, under the encoding in use.
CREATE OR REPLACE VIEW coverage_rank AS
SELECT sample_id, ranked.value::BIGINT AS rank, gained.value AS gain
FROM measurement AS ranked JOIN sample ON sample.seq = ranked.subject_id
    LEFT JOIN measurement AS gained ON gained.subject = 'sample' AND gained.subject_id = ranked.subject_id
        AND gained.measure = 'coverage_gain' AND gained.source = ranked.source
WHERE ranked.subject = 'sample' AND ranked.measure = 'coverage_rank'
    AND ranked.source = 'encoding ' || (SELECT value FROM meta WHERE key = 'encoding_id');

-- The scoring that the rule and every screen read: one row, or none before anything was scored.
CREATE OR REPLACE VIEW scoring_in_use AS
SELECT value::BIGINT AS scoring_id FROM meta WHERE key = 'scoring_id';

-- Each reflection with the call behind it.
CREATE OR REPLACE VIEW reflected AS
SELECT reflection.*, request_hash, stage, raw, finish_reason, model, prompt_tokens, completion_tokens, cost, latency_seconds
FROM reflection LEFT JOIN teacher_call USING (call_id);

-- The failed reflections that stand, each with its latest reply. One stands as long as the candidate that it was to make
-- is not there: of the same producer, or of a file, which stands in for any; of a revision until any
-- reply of its producer is accepted, whatever that changed.
CREATE OR REPLACE VIEW failed_reflection AS
SELECT sample_id, origin, producer, max(reflection_id) AS reflection_id, arg_max(status, reflection_id) AS status,
       arg_max(reason, reflection_id) AS reason, arg_max(detail, reflection_id) AS detail,
       arg_max_null(raw, reflection_id) AS raw
FROM reflected
WHERE status <> 'accepted'
  AND NOT EXISTS (
      FROM candidate WHERE candidate.sample_id = reflected.sample_id AND candidate.origin = reflected.origin
      AND (candidate.producer = reflected.producer
           OR reflected.producer IN (SELECT producer FROM producer WHERE kind = 'file')
           OR candidate.producer IN (SELECT producer FROM producer WHERE kind = 'file')))
  AND NOT (stage IS NOT DISTINCT FROM 'revision' AND EXISTS (
      FROM reflection AS used WHERE used.sample_id = reflected.sample_id AND used.producer = reflected.producer
      AND used.status = 'accepted'))
GROUP BY sample_id, origin, producer;

-- What stands and is exported: the human decision where there is one, else the selection. A parked sample is open, and
-- nothing of it is exported: it is neither approved nor left to the rule.
CREATE OR REPLACE VIEW verdict AS
SELECT selection.*, standing.event_id, standing.action, standing.author, standing.made_at,
       CASE WHEN standing.action IS NULL THEN selection.origin
            WHEN is_approval(standing.action) THEN standing.origin END AS verdict_origin,
       CASE WHEN standing.action IS NULL THEN selection.candidate_id
            WHEN is_approval(standing.action) THEN standing.candidate_id END AS verdict_id,
       coalesce(is_approval(standing.action) OR is_refusal(standing.action), false) AS decided,
       coalesce(is_approval(standing.action), false) AS approved
FROM selection LEFT JOIN standing USING (seq);

-- Ways to put producers in an order, which a policy names in the place of one producer: of each version it takes that of
-- the first in the order. By reward: teachers by the probability with which they are drawn now.
CREATE OR REPLACE VIEW producer_order AS
SELECT 'best by reward' AS name, producer, row_number() OVER (ORDER BY p DESC, arm.place) AS place
FROM (SELECT producer, place, (SELECT last(p_after ORDER BY step) FROM arm_step)[place] AS p FROM arm) AS arm;

-- Tries of a student that a guard held back and a person took all the same.
CREATE OR REPLACE VIEW restored AS
SELECT (context ->> 'generation')::BIGINT AS generation_id, event_id, author FROM event
WHERE kind = 'restore' AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL);
