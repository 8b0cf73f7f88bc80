"""What scoring every exchange of a conversation costs, against its last exchange alone, in one process.

    python -m benchmarks.conversations

Conversations of four and of eight exchanges, with and without a system text. Needs SRT_SHARED, as benchmarks.scoring.
Ratios of one run can be compared; seconds of two runs cannot.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scoring import revisions
from srt_core.records import Context, LossRequest, Pair, Role, Turn
from srt_core.score.ifd import Convention, plan
from srt_core.score.student import Batching, Student, computed_tokens, load_student
from srt_core.score.templates import load_template

SYSTEM = "You are a careful assistant. Answer what was asked, say where you are not sure, and keep to the facts. " * 8
TEMPLATE = "chatml"


def main() -> None:
    """Print a table: computed tokens and seconds of all exchanges, as ratios to those of the last one alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=8, help="how many of each kind (default 8)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of interleaved runs (default 5)")
    asked = parser.parse_args()
    shared = Path(os.environ.get("SRT_SHARED") or sys.exit("Set SRT_SHARED to the folder of real data."))
    student = load_student(shared / "student", device="cpu", dtype="float32")
    print(f"{asked.conversations} conversations of real pairs each, template {TEMPLATE}, {student.max_length_limit:,} "
          f"positions, {os.cpu_count()} cores, medians of {asked.rounds} rounds\n")  # fmt: skip
    print(f"{'':34}{'tokens':>9}{'of last':>9}{'seconds':>9}{'of last':>9}")
    for exchanges, system in ((4, ""), (4, SYSTEM), (8, ""), (8, SYSTEM)):
        compare(student, conversations(shared, asked.conversations, exchanges, system), asked.rounds)


def compare(student: Student, talks: Sequence[Sequence[Pair]], rounds: int) -> None:
    """Print the rows of one kind: the last exchange and all of them, in packs and with nothing shared."""
    last = [requests(student, talk[-1:]) for talk in talks]
    every = [requests(student, talk) for talk in talks]
    seconds: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        seconds.append((timed(student, last), timed(student, every)))
    del seconds[0]  # the first does not count
    tokens = [in_packs(student, last), in_packs(student, every), one_by_one(last), one_by_one(every)]
    times = [statistics.median(column) for column in zip(*seconds, strict=True)]
    ratio = statistics.median(all_ / one for one, all_ in seconds)
    kind = f"{len(talks[0])} exchanges{', system text' if talks[0][0].context.system else ''}"
    print(f"{kind + ': last':34}{tokens[0]:9,}{1:9.2f}{times[0]:9.2f}{1:9.2f}")
    print(f"{'  all':34}{tokens[1]:9,}{tokens[1] / tokens[0]:9.2f}{times[1]:9.2f}{ratio:9.2f}")
    print(f"{'  last, nothing shared':34}{tokens[2]:9,}{tokens[2] / tokens[0]:9.2f}")
    print(f"{'  all, nothing shared':34}{tokens[3]:9,}{tokens[3] / tokens[0]:9.2f}", flush=True)


def timed(student: Student, talks: Sequence[Sequence[LossRequest]]) -> float:
    """Return the seconds of scoring as a run does, whose chunks hold whole conversations."""
    started = time.perf_counter()
    for _ in student.run(pack for asked in talks for pack in student.packs(asked)):
        pass
    return time.perf_counter() - started


def requests(student: Student, pairs: Sequence[Pair]) -> list[LossRequest]:
    """Plan pairs; each distinct request once."""
    plans = plan(pairs, load_template(TEMPLATE), Convention.ALIGNED, student, student.max_length_limit)
    return list(dict.fromkeys(slot for four in plans for slot in four.slots if isinstance(slot, LossRequest)))


def in_packs(student: Student, talks: Sequence[Sequence[LossRequest]]) -> int:
    """Count the tokens that packs compute."""
    return sum(computed_tokens(pack, Batching.PACKED) for asked in talks for pack in student.packs(asked))


def one_by_one(talks: Sequence[Sequence[LossRequest]]) -> int:
    """Count the tokens where nothing is shared."""
    return sum(len(request.ids) for asked in talks for request in asked)


def conversations(shared: Path, count: int, exchanges: int, system: str) -> list[list[Pair]]:
    """Make conversations of real pairs, one exchange after another; those that fit the student."""
    rows = [row for row in revisions(shared) if row["Raw Instruction"] and row["Raw Response"]]
    rows = [row for row in rows if len(row["Raw Instruction"] + row["Raw Input"] + row["Raw Response"]) < 600]
    found = []
    for at in range(0, count * exchanges, exchanges):
        turns: list[Turn] = []
        talk = []
        for row in rows[at : at + exchanges]:
            x = f"{row['Raw Instruction']}\n{row['Raw Input']}" if row["Raw Input"] else row["Raw Instruction"]
            talk.append(Pair(x, row["Raw Response"], context=Context(system, tuple(turns))))
            turns += [Turn(Role.USER, x), Turn(Role.ASSISTANT, row["Raw Response"])]
        found.append(talk)
    return found


if __name__ == "__main__":
    main()
