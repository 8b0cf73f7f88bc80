"""Samples like one that was left out: of the same task, subject and reason of the rule, those with its words first.

SQL narrows a set of any size down; the words of a bounded number are compared, so that it takes the same time for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.project.events import IS_BULK
from srt_core.project.store import Store
from srt_core.review import decisions
from srt_core.select.derive import refresh

COMPARED = 1_000
"""Samples whose words are compared: those whose numbers are nearest to that of the one left out."""
LISTED = 200
READ_CHARACTERS = 400
"""Of each text, as where samples are grouped by subject."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Samples like one, the most alike first, each with a sentence that says why it stands there."""

    of: str
    samples: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def last_left_out(store: Store, by: str) -> str | None:
    """Find the sample that a person left out last, one by one and not undone; None where there is none."""
    found: str | None = store.value(
        f"""SELECT sample_id FROM decision WHERE author = ? AND kind = 'reject' AND NOT {IS_BULK}
            AND NOT is_restored(context) ORDER BY event_id DESC LIMIT 1""",
        [by],
    )
    return found


# What nobody had decided when the one was left out: the list stays as it is while its samples are decided.
_NEAR = """
    WITH one AS (SELECT seq, task, cluster, reason FROM selection JOIN kind USING (sample_id) WHERE seq = $seq)
    SELECT selection.seq, selection.sample_id, task, cluster, reason
    FROM selection JOIN kind USING (sample_id)
    WHERE task = (SELECT task FROM one) AND cluster IS NOT DISTINCT FROM (SELECT cluster FROM one)
      AND reason = (SELECT reason FROM one)
      AND (seq = $seq OR seq NOT IN (SELECT seq FROM standing WHERE event_id < $before))
    ORDER BY abs(seq - $seq), seq LIMIT $most"""
_TEXTS = """
    SELECT panel.seq, left(instruction, $characters) AS instruction, left(input, $characters) AS input,
           left(response, $characters) AS response
    FROM panel JOIN candidate ON candidate_id = original_id
    WHERE panel.seq IN (SELECT unnest($seqs::BIGINT[]))"""


def like(store: Store, sample: str) -> Alike:
    """Return the samples like one, worked out once for each selection and decision on it."""
    refresh(store)
    stands = decisions.standing(store, sample)
    before = stands.event_id if stands else 0
    key = "alike", sample, before, store.meta("selection_key")
    return store.remember(key, lambda: _like(store, sample, before))


def _like(store: Store, sample: str, before: int) -> Alike:
    seq = store.value("SELECT seq FROM sample WHERE sample_id = ?", [sample])
    near = store.rows(_NEAR, {"seq": seq, "before": before or 2**62, "most": COMPARED + 1}) if seq else []
    if len(near) < 2:
        return Alike(sample)
    others = near[1:]  # the nearest to itself is the one that was left out
    from srt_core.vectors.tfidf import most_alike  # loads NumPy, which no other queue needs

    texts = _texts(store, [row["seq"] for row in near])
    best = most_alike(texts[seq], [texts[row["seq"]] for row in others], LISTED)
    subject = store.value("SELECT words FROM cluster WHERE cluster = ?", [near[0]["cluster"]])
    same = f"task {near[0]['task']}" + (f", subject {subject}" if subject else "")
    return Alike(
        sample,
        tuple(others[each.place]["sample_id"] for each in best),
        tuple(
            f"In this queue: as #{seq:,}, which was left out, of {same}, and with the rule's same reason; "
            f"words alike {each.cosine:.2f} of 1" + (f": {', '.join(each.words)}" if each.words else "")
            for each in best
        ),
    )


def _texts(store: Store, seqs: Sequence[int]) -> dict[int, str]:
    rows = store.rows(_TEXTS, {"seqs": list(seqs), "characters": READ_CHARACTERS})
    return {row["seq"]: "\n".join(row[part] for part in ("instruction", "input", "response")) for row in rows}
