"""What has to hold in a project file, by itself: links between its tables, texts, counts, and the log's fold."""

from collections.abc import Sequence

from srt_core.project.blocks import BLOCKS
from srt_core.project.checking import Check, differing, rule, texts
from srt_core.project.creation import unique_columns
from srt_core.project.events import fold
from srt_core.records import Origin

_NAMED = """
    import.undone_by -> event.event_id
    import_row.import_id -> import.import_id
    import_row.sample_id -> sample.sample_id
    reject.import_id -> import.import_id
    reject.mended_by -> import.import_id
    sample.import_id -> import.import_id
    sample.duplicate_of -> sample.sample_id
    sample.parent -> sample.sample_id
    candidate.sample_id -> sample.sample_id
    candidate.producer -> producer.producer
    candidate.context_id -> context.context_id
    candidate.parent_id -> candidate.candidate_id
    teacher_call.producer -> producer.producer
    teacher_call.batch_id -> batch.batch_id
    reflection.sample_id -> sample.sample_id
    reflection.parent_id -> candidate.candidate_id
    reflection.producer -> producer.producer
    reflection.call_id -> teacher_call.call_id
    batch.producer -> producer.producer
    batch_request.batch_id -> batch.batch_id
    token_map.scoring_id -> scoring.scoring_id
    score.scoring_id -> scoring.scoring_id
    score.candidate_id -> candidate.candidate_id
    edit_score.scoring_id -> scoring.scoring_id
    edit_score.event_id -> event.event_id
    vector.encoding_id -> encoding.encoding_id
    vector.candidate_id -> candidate.candidate_id
    triage_round.encoding_id -> encoding.encoding_id
    triage.round -> triage_round.round
    triage.seq -> sample.seq
    arm.producer -> producer.producer
    arm_draw.sample_id -> sample.sample_id
    arm_draw.producer -> arm.producer
    arm_step.sample_id -> sample.sample_id
    arm_step.producer -> arm.producer
    arm_step.event_id -> event.event_id
    arm_step.candidate_id -> candidate.candidate_id
    arm_step.corrects -> arm_step.step
    generation.task_hash -> task.task_hash
    generation.parent_id -> generation.generation_id
    guard.generation_id -> generation.generation_id
    event.sample_id -> sample.sample_id
    event.candidate_id -> candidate.candidate_id
    event.undoes -> event.event_id
    drawn.audit_id -> event.event_id
    drawn.sample_id -> sample.sample_id
    drawn.candidate_id -> candidate.candidate_id
    kind.sample_id -> sample.sample_id
    kind.cluster -> cluster.cluster
    mark.seq -> sample.seq
    variety.encoding_id -> encoding.encoding_id
    judgement.candidate_id -> candidate.candidate_id
    expansion.parent -> sample.sample_id
    expansion.sample_id -> sample.sample_id
    retraction.event_id -> event.event_id
    unlearning.run_id -> run.run_id
    retraction.sample_id -> sample.sample_id
    export.event_id -> event.event_id
    export.scoring_id -> scoring.scoring_id
    exported.sample_id -> sample.sample_id
    exported.candidate_id -> candidate.candidate_id
    exported.edit_id -> event.event_id
    edit_distance.event_id -> event.event_id
    coach_edit.producer -> producer.producer
    coach_edit.event_id -> event.event_id
"""
LINKS = [(child, parent) for child, _, parent in (line.split() for line in _NAMED.strip().splitlines())]
"""Which column names a row of which table. Rows of `exported` may be of an export that was cut off."""

_ONE_EACH = {"sample": "seq", "reject": "reject_id", "kind": "sample_id", "standing": "seq", "panel": "seq",
             "selection": "seq"}  # fmt: skip
"""Columns that are different in every row, though no index says so."""


def _link(child: str, parent: str) -> Check:
    (table, column), (other, key) = child.split("."), parent.split(".")
    sql = f"""SELECT {column} AS found FROM "{table}" AS child
              WHERE {column} IS NOT NULL
                AND NOT EXISTS (FROM "{other}" AS parent WHERE parent.{key} = child.{column})"""
    return rule(child, f"{child} names rows of {other} that are not there", sql)


def _unique(table: str, columns: Sequence[str]) -> Check:
    names = ", ".join(f'"{column}"' for column in columns)
    sql = f"SELECT concat_ws(' ', {names}) AS found FROM \"{table}\" GROUP BY {names} HAVING count(*) > 1"
    return rule(f"{table}: {names}", f"rows of {table} have the same {', '.join(columns)}", sql)


_STANDING = {"seq": "BIGINT", "sample_id": "VARCHAR", "event_id": "BIGINT", "action": "VARCHAR", "origin": "VARCHAR",
             "candidate_id": "BIGINT", "author": "VARCHAR", "made_at": "TIMESTAMP"}  # fmt: skip

_CONTENT = [
    rule(
        "originals",
        "samples have no original, or several",
        f"""SELECT sample_id AS found FROM sample LEFT JOIN
                (SELECT sample_id, count(*) AS number FROM candidate WHERE origin = '{Origin.ORIGINAL}'
                 GROUP BY sample_id) AS held USING (sample_id)
            WHERE number IS DISTINCT FROM 1""",
    ),
    rule(
        "measurements",
        "measurements are of versions or samples that are not there",
        """SELECT subject || ' ' || subject_id AS found FROM measurement
           WHERE (subject = 'candidate' AND subject_id NOT IN (SELECT candidate_id FROM candidate))
              OR (subject = 'sample' AND subject_id NOT IN (SELECT seq FROM sample))""",
    ),
    rule(
        "token losses",
        "token losses are of versions or edits that are not there",
        """SELECT subject || ' ' || subject_id AS found FROM token_map
           WHERE (subject = 'score' AND subject_id NOT IN (SELECT candidate_id FROM candidate))
              OR (subject = 'edit_score' AND subject_id NOT IN (SELECT event_id FROM event))""",
    ),
    rule(
        "contexts",
        "contexts are not the texts whose hash is stored",
        "SELECT context_id AS found FROM context WHERE hash <> sha256(messages)",
    ),
    texts(
        "originals as imported",
        "originals are not the texts that were imported",
        f"""SELECT DISTINCT import_row.sample_id AS found, pair_hash, instruction, input, response, context
            FROM import_row JOIN pair ON pair.sample_id = import_row.sample_id AND origin = '{Origin.ORIGINAL}'""",
    ),
    texts(
        "rows of exports",
        "rows of exports are not the texts that were exported",
        """SELECT 'export ' || export_id || ' row ' || "row" AS found, pair_hash,
                  coalesce(edit.instruction, pair.instruction) AS instruction,
                  coalesce(edit.input, pair.input) AS input, coalesce(edit.response, pair.response) AS response,
                  coalesce(edit.context, pair.context) AS context
           FROM exported LEFT JOIN pair USING (candidate_id)
               LEFT JOIN edited_pair AS edit ON edit.event_id = edit_id""",
    ),
    rule(
        "counts of exports",
        "exports have another number of rows than was written",
        """SELECT export_id AS found FROM export JOIN
               (SELECT export_id, count(DISTINCT "row") AS number FROM exported GROUP BY export_id) AS held
               USING (export_id)
           WHERE number <> rows""",
    ),
    rule(
        "decisions that stand",
        "samples have another decision than the log of events says",
        differing(
            "standing",
            _STANDING,
            f"""SELECT seq, sample_id, event_id, kind AS action, origin, candidate_id, author, made_at
                FROM ({fold()}) JOIN sample USING (sample_id)""",
        ),
    ),
]


def project_checks() -> list[Check]:
    """Return the checks of the file itself: its blocks, tables, links between them, texts, and the log's fold."""
    unique = [*unique_columns(), *((table, [column]) for table, column in _ONE_EACH.items())]
    return [
        BLOCKS,
        *(_unique(table, columns) for table, columns in unique),
        *(_link(child, parent) for child, parent in LINKS),
        *_CONTENT,
    ]
