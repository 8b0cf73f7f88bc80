"""Runs compared: differences of losses on the same versions, with intervals over pairs and over seeds, and in words.

Each arm is compared with the first one given. A unit is a conversation, or a sample outside of one, and counts once.
"No difference found" is a result like any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from srt_core.errors import StudentError
from srt_core.project.intervals import Interval, Paired, paired, units_needed
from srt_core.project.store import Store
from srt_core.train.evaluating import Side
from srt_core.train.runs import Run, RunState, find_run

UNEQUAL = 0.05
"""By how much the tokens that two arms read may differ."""
PARENT = "before training"

ASSUMES = (
    "Over pairs: what other pairs, drawn as these were, would say of these very students. Over seeds: what students "
    "trained with other seeds would say of these pairs. Over both: either; it decides. All assume that pairs and seeds "
    "are independent and that their means are near normal; each holds in 95 of 100 cases by itself."
)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the loss of an arm is than that of the base, on one side; in nats a token."""

    arm: str
    base: str
    side: Side
    loss: float
    base_loss: float
    seeds: tuple[int, ...]
    found: Paired
    needed: int | None
    """So many pairs would find a difference of this size in 80 % of repetitions; None where no number would."""

    def words(self) -> str:
        """Say it in one or two sentences."""
        side = "original" if self.side is Side.ORIGINAL else "rewritten"
        said = f"On {side} responses {self.arm} has a loss of {self.loss:.4f} and {self.base} {self.base_loss:.4f}"
        interval = self.found.widest
        if interval is None:
            return f"{said}. One pair says nothing of others."
        between = f"{abs(self.found.mean):.4f} ({interval.low:+.4f} to {interval.high:+.4f})"
        if self.found.is_found:
            return f"{said}: {'lower' if self.found.mean < 0 else 'higher'} by {between}."
        more = "no number of pairs would show it, for the seeds differ by more than that"
        if self.needed is not None:
            more = f"about {self.needed:,} pairs would show it in 80 of 100 repetitions; there are {self.found.units:,}"
        return f"{said}: no difference found. Seen were {between}; if that is real, {more}."

    def intervals(self) -> list[tuple[str, Interval]]:
        """Return the intervals that there are, each with what it is over."""
        named = (("pairs", self.found.over_units), ("seeds", self.found.over_seeds), ("both", self.found.over_both))
        return [(name, interval) for name, interval in named if interval is not None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What runs say of each other. `notes`: what to know when it is read, a sentence each."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def compare(store: Store, run_ids: Sequence[int], *, allow_unequal: bool = False) -> Comparison:
    """Compare the arms of runs with the first one, and each with its parent, on what none of them was trained on.

    Raises:
        StudentError: a run is not evaluated, the arms read unlike many tokens (unless allowed), two runs are of one
            arm and seed, or no version was put aside from all of them.
    """
    found = [find_run(store, each) for each in dict.fromkeys(run_ids)]
    arms = _arms(found)
    notes = _check(store, found, allow_unequal=allow_unequal)
    table = _Table(store, found)
    differences = []
    base = next(iter(arms))
    for name, members in arms.items():
        for side in Side:
            differences.append(table.difference(name, members, PARENT, None, side))
            if name != base:
                differences.append(table.difference(name, members, base, arms[base], side))
    if any(len(members) == 1 for members in arms.values()):
        notes.append("An arm with one seed says nothing of other seeds: its intervals are over pairs alone.")
    return Comparison(tuple(sorted(differences, key=lambda each: each.base == PARENT)), (*notes, ASSUMES))


def _arms(found: Sequence[Run]) -> dict[str, dict[int, Run]]:
    arms: dict[str, dict[int, Run]] = {}
    for run in found:
        members = arms.setdefault(run.arm, {})
        if run.seed in members:
            raise StudentError(
                f"The {run.name} and the {members[run.seed].name} are of one arm and seed.",
                "Compare one of them, or give arms names of their own: --arm.",
            )
        members[run.seed] = run
    return arms


def _check(store: Store, found: Sequence[Run], *, allow_unequal: bool) -> list[str]:
    for run in found:
        if run.state is not RunState.DONE or not store.value(
            "SELECT count(*) FROM evaluated WHERE run_id = ?", [run.run_id]
        ):
            raise StudentError(f"The {run.name} is not evaluated.", f"srt evaluate PROJECT {run.run_id}")
    most, fewest = max(found, key=lambda run: run.tokens), min(found, key=lambda run: run.tokens)
    if most.tokens - fewest.tokens <= UNEQUAL * most.tokens:
        return []
    said = f"The {most.name} read {most.tokens:,} tokens, the {fewest.name} {fewest.tokens:,}."
    if not allow_unequal:
        raise StudentError(
            f"{said} More reading alone may make the difference.", "Train with --max-tokens, or give --unequal."
        )
    return [said]


class _Table:
    """The losses given the instruction that all runs have in common, by run and unit."""

    def __init__(self, store: Store, found: Sequence[Run]) -> None:
        ids = [run.run_id for run in found]
        rows = store.rows(
            """SELECT run_id, candidate_id, side, coalesce(conversation, sample_id) AS unit,
                      loss_y_given_x AS loss, parent_loss_y_given_x AS parent
               FROM evaluated JOIN sample USING (sample_id)
               WHERE run_id IN (SELECT unnest($ids::BIGINT[]))
                     AND sample_id NOT IN (SELECT sample_id FROM evaluated
                                           WHERE seen AND run_id IN (SELECT unnest($ids::BIGINT[])))
                     AND loss_y_given_x IS NOT NULL AND parent_loss_y_given_x IS NOT NULL
               QUALIFY count(*) OVER (PARTITION BY candidate_id) = $number
               ORDER BY side, unit, candidate_id""",
            {"ids": ids, "number": len(ids)},
        )
        if not rows:
            raise StudentError(
                "No version was put aside from all of these runs.", "Train them on exports that put the same aside."
            )
        self._units: dict[Side, list[str]] = {}
        self._losses: dict[tuple[Side, str, int], tuple[float, float]] = {}
        for (side, unit), group in groupby(rows, key=lambda row: (Side(row["side"]), row["unit"])):
            self._units.setdefault(side, []).append(unit)
            members = list(group)
            for run_id in ids:
                own = [row for row in members if row["run_id"] == run_id]
                means = fmean(row["loss"] for row in own), fmean(row["parent"] for row in own)
                self._losses[side, unit, run_id] = means

    def difference(
        self, arm: str, members: dict[int, Run], base: str, others: dict[int, Run] | None, side: Side
    ) -> Difference:
        """Return an arm's loss less that of another arm under the same seeds, or of the parent."""
        seeds = sorted(members if others is None else set(members) & set(others))
        pairs = list(self._pairs(members, others, seeds, side))
        if not pairs or not seeds:
            raise StudentError(
                f"{arm} and {base} share no seed, or nothing was put aside on the side {side}.", "Use the same seeds."
            )
        table = [[one - other for one, other in row] for row in pairs]
        return Difference(
            arm, base, side, fmean(one for row in pairs for one, _ in row),
            fmean(other for row in pairs for _, other in row), tuple(seeds), paired(table), units_needed(table),
        )  # fmt: skip

    def _pairs(
        self, members: dict[int, Run], others: dict[int, Run] | None, seeds: Sequence[int], side: Side
    ) -> Iterator[list[tuple[float, float]]]:
        for unit in self._units.get(side, []):
            row = []
            for seed in seeds:
                loss, parent = self._losses[side, unit, members[seed].run_id]
                row.append((loss, parent if others is None else self._losses[side, unit, others[seed].run_id][0]))
            yield row
