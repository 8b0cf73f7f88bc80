"""The edits that stand, how far each went, and which of them a coach learns from.

An edit is an event; what it was made of is the candidate that it names, or the original where it repairs what failed.
One that was undone, or that another decision replaced, stands no more. How far it went is computed once.
"""

from dataclasses import dataclass
from typing import Self

from srt_core.errors import DecisionError
from srt_core.methods.coachlm import cut
from srt_core.project.candidates import pair_of
from srt_core.project.diff import edit_distance
from srt_core.project.store import Store
from srt_core.records import Origin, Pair


@dataclass(frozen=True, slots=True)
class Distance:
    """Characters to change in instruction, input and response (Levenshtein): their sum is the edit's distance."""

    ins: int
    inp: int
    res: int

    @classmethod
    def of(cls, before: Pair, after: Pair) -> Self:
        """Measure an edit; texts are compared as they are stored, without any normalisation."""
        return cls(
            edit_distance(before.instruction, after.instruction),
            edit_distance(before.input, after.input),
            edit_distance(before.response, after.response),
        )

    @property
    def sum(self) -> int:
        """The distance of the edit."""
        return self.ins + self.inp + self.res


def growth(before: Pair, after: Pair) -> int:
    """Return by how many characters an edit made a pair longer."""
    return sum(len(getattr(after, part)) - len(getattr(before, part)) for part in ("instruction", "input", "response"))


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that stands."""

    event_id: int
    sample_id: str
    seq: int
    author: str
    candidate_id: int
    """What it was made of."""
    before: Pair
    after: Pair
    distance: Distance

    @property
    def growth(self) -> int:
        """By how many characters it made the pair longer."""
        return growth(self.before, self.after)


_STANDING = f"""
    SELECT standing.event_id, standing.sample_id, standing.seq, standing.author,
           coalesce(standing.candidate_id, original.candidate_id) AS candidate_id
    FROM standing JOIN candidate AS original
        ON original.sample_id = standing.sample_id AND original.origin = '{Origin.ORIGINAL}'
    WHERE standing.action = 'edit'"""


def edits(store: Store) -> list[Edit]:
    """Read the edits that stand, the largest first, equal ones in the order in which they were made."""
    rows = store.rows(
        f"""SELECT edit.*, pair.instruction, pair.input, pair.response, pair.context,
                   edited.instruction AS new_instruction, edited.input AS new_input, edited.response AS new_response,
                   ins, inp, res
            FROM ({_STANDING}) AS edit JOIN pair USING (candidate_id)
            JOIN event AS edited ON edited.event_id = edit.event_id
            LEFT JOIN edit_distance ON edit_distance.event_id = edit.event_id ORDER BY edit.event_id"""
    )
    found, fresh = [], []
    for row in rows:
        before = pair_of(row)
        after = Pair(row["new_instruction"], row["new_response"], row["new_input"], before.context)
        if row["ins"] is None:
            distance = Distance.of(before, after)
            fresh.append((row["event_id"], distance.ins, distance.inp, distance.res))
        else:
            distance = Distance(row["ins"], row["inp"], row["res"])
        who = row["event_id"], row["sample_id"], row["seq"], row["author"], row["candidate_id"]
        found.append(Edit(*who, before, after, distance))
    if fresh and not store.is_read_only:
        with store.transaction() as tx:
            known = {key for (key,) in tx.execute("SELECT event_id FROM edit_distance")}
            tx.append(
                "edit_distance", ["event_id", "ins", "inp", "res"], [each for each in fresh if each[0] not in known]
            )
    return sorted(found, key=lambda each: -each.distance.sum)


def learnt_from(found: list[Edit], alpha: float) -> list[Edit]:
    """Return the edits that a coach learns from: the top `alpha` of those that changed something.

    Raises:
        DecisionError: there are none, or alpha keeps none of them.
    """
    able = [each for each in found if each.distance.sum]
    if not able:
        raise DecisionError(
            "Nobody has edited a version yet, so there is nothing for a coach to learn from.",
            "Edit some on Review (E), or take them from a file: srt decide PROJECT edit --file FILE.",
        )
    chosen = cut([(each, each.distance.sum) for each in able], alpha)
    if not chosen:
        raise DecisionError(
            f"Of {len(able):,} edits that changed something, an alpha of {alpha:g} keeps none.",
            f"Give an --alpha of {1 / len(able):.2g} or more, or edit more versions.",
        )
    return chosen
