"""What each coach made, and what people made of that. Samples whose edit it learnt from are in none of the numbers."""

from dataclasses import dataclass

from srt_core.project.store import Store


@dataclass(frozen=True, slots=True)
class Made:
    """A coach: revisions that it made, pairs that it left as they are, replies that could not be used.

    `kept`, `edited`, `otherwise`: of the samples with a revision those where a person kept it, kept an edit of it, or
    decided otherwise; `growth` is the mean over its revisions, in characters.
    """

    producer: str
    learnt: int
    revisions: int
    unchanged: int
    failed: int
    kept: int
    edited: int
    otherwise: int
    growth: float | None


def coaches(store: Store) -> list[Made]:
    """List the coaches of a project, the first first; those of trials made nothing."""
    return store.read(
        Made,
        """WITH coach AS (SELECT producer, made_at FROM producer WHERE kind = 'coach'),
                learnt AS (SELECT DISTINCT coach_edit.producer, sample_id FROM coach_edit JOIN event USING (event_id)),
                made AS (
                    SELECT candidate.producer, candidate.sample_id, candidate.candidate_id,
                           length(candidate.instruction) + length(candidate.input) + length(candidate.response)
                           - length(old.instruction) - length(old.input) - length(old.response) AS growth
                    FROM candidate JOIN candidate AS old ON old.candidate_id = candidate.parent_id
                    WHERE candidate.producer IN (SELECT producer FROM coach)
                      AND NOT EXISTS (FROM learnt WHERE learnt.producer = candidate.producer
                                      AND learnt.sample_id = candidate.sample_id)),
                asked AS (
                    SELECT producer, sample_id, bool_or(status = 'accepted') AS is_used FROM reflection
                    WHERE producer IN (SELECT producer FROM coach)
                      AND NOT EXISTS (FROM learnt WHERE learnt.producer = reflection.producer
                                      AND learnt.sample_id = reflection.sample_id)
                    GROUP BY ALL)
           SELECT coach.producer,
                  (SELECT count(*) FROM learnt WHERE learnt.producer = coach.producer) AS learnt,
                  count(made.candidate_id) AS revisions,
                  (SELECT count(*) FROM asked WHERE asked.producer = coach.producer AND is_used)
                      - count(made.candidate_id) AS unchanged,
                  (SELECT count(*) FROM asked WHERE asked.producer = coach.producer AND NOT is_used) AS failed,
                  count(*) FILTER (action IN ('approve', 'choose') AND standing.candidate_id = made.candidate_id)
                      AS kept,
                  count(*) FILTER (action = 'edit' AND standing.candidate_id = made.candidate_id) AS edited,
                  count(*) FILTER (action = 'reject' OR is_approval(action)
                                   AND standing.candidate_id IS DISTINCT FROM made.candidate_id) AS otherwise,
                  avg(made.growth) AS growth
           FROM coach LEFT JOIN made USING (producer) LEFT JOIN standing USING (sample_id)
           GROUP BY coach.producer, coach.made_at ORDER BY coach.made_at, coach.producer""",
    )
