"""How fast the counts behind the Thresholds screen come, on a project as large as asked for.

    python -m benchmarks.whatif [project.srt] [--samples 1000000] [--rounds 7]

A project that is there is opened and brought up to date, else one is made (benchmarks.large), with a tenth of its
samples decided. Medians of wall and of processor time, in milliseconds: where others use the machine, the second says
what a statement costs.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.large import build
from srt_core.methods import DIALS, PRESETS
from srt_core.project.store import Store
from srt_core.records import REFLECTIONS, Action, Policy
from srt_core.review import decisions
from srt_core.score.scorings import COMPARED
from srt_core.select.compare import whatif
from srt_core.select.compare.outcome_map import Fit, outcome_map, values_of
from srt_core.select.compare.side_by_side import side_by_side
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy

Asked = tuple[str, Callable[[], object]]


def turned(policy: Policy) -> dict[str, Policy]:
    """One turn of each kind of dial."""
    return {
        "a margin": replace(policy, instruction_margin=0.05),
        "a ceiling": policy.limited(max_ifd=0.9),
        "top share 50 % by IFD": replace(policy, top_share=50.0),
        "top share 64.6 % by loss ratio": replace(policy, top_share=64.6, rank_by="loss_ratio"),
        "another method (cherry)": PRESETS["cherry"],
    }


def questions(store: Store) -> Iterator[Asked]:
    """Everything that the screen asks for, by name."""
    policy = applied_policy(store)
    policies = turned(policy)
    for name, other in policies.items():
        yield f"what if: {name}", partial(whatif.compare, store, other)
    for name in ("a margin", "top share 50 % by IFD"):
        yield f"a page of changes: {name}", partial(whatif.changes, store, policies[name], "leaving", 5, 5_000)
    for stage in REFLECTIONS:
        yield f"histogram: gain of the {stage}", partial(whatif.gains, store, stage, policy)
    for measure in COMPARED:
        yield f"histogram: {measure}", partial(whatif.spread, store, measure, policy)
    for x, y, fit in (*_MAPS, ("max_ifd", "max_r_ifd", read_some(store))):
        across, up = ((DIALS[name], values_of(DIALS[name])) for name in (x, y))
        shown = "kept" if fit is None else "right"
        yield f"map: {x}, {y}, {shown}", partial(outcome_map, store, policy, across, up, fit)
    for number in (2, 5):
        beside = [policy, *policies.values()][:number]
        yield f"side by side: {number} policies", partial(side_by_side, store, beside)


_MAPS: Sequence[tuple[str, str, Fit | None]] = (
    ("instruction_margin", "response_margin", None),
    ("max_ifd", "top_share", None),
)
READS = 1_000


def read_some(store: Store) -> Fit:
    """As many random reads as a large audit has, each with the version fit that the policy in use keeps."""
    rows = store.rows("SELECT seq, candidate_id FROM selection ORDER BY hash(seq) LIMIT ?", [READS])
    return [(row["seq"], () if row["candidate_id"] is None else (row["candidate_id"],)) for row in rows]


def decide_a_tenth(store: Store) -> None:
    """Decide a tenth of the samples, for and against the rule, where nobody has decided any."""
    if store.value("SELECT count(*) FROM standing"):
        return
    for remainder, action in ((3, Action.APPROVE), (7, Action.REJECT)):
        decisions.decide_all(store, "seq % 13 = $remainder", {"remainder": remainder}, action, "benchmark", "benchmark")


def measure(path: Path, rounds: int) -> None:
    """Print a table."""
    with Store.open(path) as store:
        refresh(store)
        decide_a_tenth(store)
        decided = store.value("SELECT count(*) FROM standing")
        print(f"{store.value('SELECT count(*) FROM sample'):,} samples, {decided:,} decided")
        print(f"{'':50}{'wall ms':>9}{'CPU ms':>9}")
        for name, ask in questions(store):
            wall, processor = zip(*(_timed(ask) for _ in range(rounds)), strict=True)
            print(f"{name:50}{statistics.median(wall):9.0f}{statistics.median(processor):9.0f}", flush=True)


def _timed(ask: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    ask()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whatif")
    parser.add_argument("project", type=Path, nargs="?")
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.project or Path(folder) / "whatif.srt"
        if not path.exists():
            build(path, given.samples)
        measure(path, given.rounds)


if __name__ == "__main__":
    main()
