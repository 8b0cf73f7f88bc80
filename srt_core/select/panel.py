"""The SQL of `panel`: which candidates the rule looks at, and what each measures. Text alone: nothing is run here."""

from srt_core.records import Origin

REWRITES = tuple(origin for origin in Origin if origin is not Origin.ORIGINAL)


def picks_of(producer: str, only: str = "") -> str:
    """Return the SELECT of the candidates that a policy may take: sample_id and {origin}_id, one row a sample.

    `only` is a WHERE over sample_id, "" for all samples.

    `producer` names the parameter that holds Policy.producer: "" takes of each origin the earliest candidate; a name
    takes that producer's own, else the earliest that came with a file. BOTH is a child of the INSTRUCTION that is
    taken; where its parent is not known it may be of any.
    """
    return f"""
WITH version AS (
    SELECT candidate_id, sample_id, origin, parent_id,
           ${producer} IN ('', candidate.producer) AS is_own, teacher.producer IS NULL AS is_of_file
    FROM (FROM candidate {only}) AS candidate LEFT JOIN producer AS teacher ON teacher.producer = candidate.producer
), first AS (
    SELECT sample_id, min(candidate_id) FILTER (origin = 'ORIGINAL') AS original_id,
           {_pick("RESPONSE")} AS response_id, {_pick("INSTRUCTION")} AS instruction_id
    FROM version GROUP BY sample_id
), second AS (
    SELECT sample_id, {_pick("BOTH")} AS both_id FROM version JOIN first USING (sample_id)
    WHERE origin = 'BOTH' AND coalesce(parent_id = instruction_id, parent_id IS NULL) GROUP BY sample_id
)
SELECT first.*, second.both_id FROM first LEFT JOIN second USING (sample_id)
"""


def panel_of(scoring: str, producer: str, only: str = "") -> str:
    """Return the SELECT of `panel`: one row a sample, what each candidate that may be taken measures.

    The two names are those of the parameters that hold the scoring's id and Policy.producer; `only` is a WHERE over
    sample_id, "" for all samples.
    """
    # Without this all scores would be read to find a few.
    scored = f" AND candidate_id IN (SELECT candidate_id FROM candidate {only})" if only else ""
    return f"""
SELECT sample.seq, sample.sample_id,
       any_value(original_id) AS original_id, any_value(response_id) AS response_id,
       any_value(instruction_id) AS instruction_id, any_value(both_id) AS both_id,
       any_value(response_id) IS NOT NULL AS has_response, any_value(instruction_id) IS NOT NULL AS has_instruction,
       any_value(both_id) IS NOT NULL AS has_both,
       coalesce(any_value(failure.response), false) AS failed_response,
       coalesce(any_value(failure.instruction), false) AS failed_instruction,
       coalesce(any_value(failure.both_), false) AS failed_both,
       {_by_origin("ifd", "ifd")},
       {_by_origin("r_ifd", "r_ifd")},
       {_by_origin("loss_ratio", "loss_ratio")},
       {_by_origin("length(candidate.response)", "characters")},
       {_by_origin("drift", "drift", REWRITES)},
       {_by_origin("growth", "growth", REWRITES)},
       count(*) FILTER (ifd IS NULL OR r_ifd IS NULL) AS unscored,
       coalesce(bool_or(score.status = 'truncated'), false) AS truncated
FROM (FROM sample {only}) AS sample
JOIN ({picks_of(producer, only)}) AS pick USING (sample_id)
JOIN candidate ON candidate.sample_id = sample.sample_id
    AND candidate.candidate_id IN (original_id, response_id, instruction_id, both_id)
LEFT JOIN (FROM score WHERE scoring_id = ${scoring}{scored}) AS score ON score.candidate_id = candidate.candidate_id
LEFT JOIN (
    SELECT sample_id, bool_or(origin = 'RESPONSE') AS response, bool_or(origin = 'INSTRUCTION') AS instruction,
           bool_or(origin = 'BOTH') AS both_
    FROM reflection LEFT JOIN producer AS teacher USING (producer)
    WHERE status <> 'accepted' AND (${producer} IN ('', reflection.producer) OR teacher.producer IS NULL)
    GROUP BY sample_id
) AS failure ON failure.sample_id = sample.sample_id
GROUP BY sample.seq, sample.sample_id
"""


def _pick(origin: str) -> str:
    chosen = f"min(candidate_id) FILTER (origin = '{origin}' AND"
    return f"coalesce({chosen} is_own), {chosen} is_of_file))"


def _by_origin(number: str, name: str, origins: tuple[Origin, ...] = tuple(Origin)) -> str:
    return ", ".join(f"max({number}) FILTER (origin = '{origin}') AS {origin.lower()}_{name}" for origin in origins)
