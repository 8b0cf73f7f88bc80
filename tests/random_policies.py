"""Random policies on a real project: the rule's SQL against the plain-Python rule, over the scores as they stand.

    python -m tests.random_policies [--pairs 150] [--policies 400] [--seed 0]

Needs SRT_SHARED with `data/expert_revisions.json` and `student/`. The limits of the policies are drawn from the scores
themselves and from differences of them, so that ties happen; the numbers are read from the tables, not from the panel.
"""

import argparse
import json
import os
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import Acceptance, Origin, Policy, Rounding, Selection, ShareOf
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.select import selection
from tests import rule_oracle
from tests.empty_project import create_empty
from tests.rule_oracle import Case, Numbers
from tests.rule_project import read
from tests.small_project import COLUMN_MAP, write_lines

_SHARES = (100.0, 100.0, 64.6, 50.0, 33.3, 10.0, 2.0)


def create_real_project(path: Path, shared: Path, pairs: int) -> Store:
    """Create a project of the first real pairs, scored; experts' texts stand in the place of a teacher's."""
    found = json.loads((shared / "data" / "expert_revisions.json").read_text("utf-8"))[:pairs]
    store = create_empty(path)
    for _ in import_file(store, write_lines(path.with_suffix(".jsonl"), map(_row, found)), column_map=COLUMN_MAP):
        pass
    for _ in score(store, load_student(shared / "student", device="cpu"), load_template("alpaca")):
        pass
    return store


def _row(pair: dict[str, str]) -> dict[str, str]:
    """Every part that an expert rewrote makes the rewrites that it can be a part of."""
    raw = {part: pair[f"Raw {part}"] for part in ("Instruction", "Input", "Response")}
    new_instruction = "\n".join(filter(None, (pair["Revised Instruction"], pair["Revised Input"])))
    has_new = (pair["Revised Instruction"], pair["Revised Input"]) != (raw["Instruction"], raw["Input"])
    has_better = pair["Revised Response"] != raw["Response"]
    return {
        **{f"Raw {part}": text for part, text in raw.items()},
        "New Instruction": new_instruction if has_new else "",
        "New Response": raw["Response"] if has_new else "",
        "Better Response": pair["Revised Response"] if has_better else "",
        "Best Response": pair["Revised Response"] if has_new and has_better else "",
    }


def cases_of(store: Store) -> list[Case]:
    """Read the scores of every sample, and which rewrites were refused, in the order of their numbers."""
    failed: dict[int, set[Origin]] = defaultdict(set)
    for row in store.rows(
        "SELECT seq, origin FROM reflection JOIN sample USING (sample_id) WHERE status <> 'accepted'"
    ):
        failed[row["seq"]].add(Origin(row["origin"]))
    found: dict[int, dict[Origin, Numbers]] = defaultdict(dict)
    for row in store.rows(
        """SELECT seq, origin, ifd, r_ifd, loss_ratio FROM candidate JOIN sample USING (sample_id)
           LEFT JOIN score USING (candidate_id) ORDER BY seq"""
    ):
        found[row["seq"]][Origin(row["origin"])] = Numbers(row["ifd"], row["r_ifd"], row["loss_ratio"])
    return [Case(candidates, frozenset(failed[seq])) for seq, candidates in found.items()]


def random_policies(cases: Sequence[Case], number: int, seed: int) -> Iterator[Policy]:
    """Draw policies whose limits and margins are numbers, and differences of numbers, of the cases."""
    draw = random.Random(seed)
    numbers = [each for case in cases for each in case.candidates.values()]
    ifd, r_ifd = ([value for value in values if value is not None] for values in
                  ([each.ifd for each in numbers], [each.r_ifd for each in numbers]))  # fmt: skip
    rises = [gain for case in cases if (gain := rule_oracle.instruction_gain(case)) is not None]
    gains = (
        rule_oracle.response_gain(case, parent, child)
        for case in cases
        for parent, child in rule_oracle.RESPONSE_CHILD.items()
        if parent in case.candidates
    )
    falls = [gain for gain in gains if gain is not None]
    for _ in range(number):
        yield Policy(
            accept_instruction=draw.choice(list(Acceptance)),
            accept_response=draw.choice(list(Acceptance)),
            instruction_margin=draw.choice([0.0, draw.choice(rises)]),
            response_margin=draw.choice([0.0, draw.choice(falls)]),
            require_response_reflection=draw.random() < 0.4,
            require_reflection=draw.random() < 0.3,
            top_share=draw.choice(_SHARES),
            rank_by=draw.choice(["ifd", "loss_ratio"]),
            share_of=draw.choice(list(ShareOf)),
            share_rounding=draw.choice(list(Rounding)),
        ).limited(
            max_ifd=draw.choice([None, 1.0, draw.choice(ifd)]),
            max_r_ifd=draw.choice([None, 1.0, draw.choice(r_ifd)]),
        )


Differing = tuple[Policy, Case, Selection, Selection]


def compare(store: Store, cases: Sequence[Case], policies: Iterator[Policy]) -> tuple[int, list[Differing]]:
    """Select under each policy twice; returns how many selections were compared, and those that differ."""
    compared, differing = 0, []
    for policy in policies:
        found = [read(row) for row in selection.select(store, policy)]
        wanted = rule_oracle.select(cases, policy)
        compared += len(found)
        differing += [
            (policy, case, sql, twin) for case, sql, twin in zip(cases, found, wanted, strict=True) if sql != twin
        ]
    return compared, differing


def main() -> None:
    """Compare, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("pairs", 150), ("policies", 400), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path, shared = Path(folder) / "real.srt", Path(os.environ["SRT_SHARED"])
        with create_real_project(path, shared, asked.pairs) as store:
            cases = cases_of(store)
            compared, differing = compare(store, cases, random_policies(cases, asked.policies, asked.seed))
    versions = sum(len(case.candidates) for case in cases)
    print(f"{len(cases):,} samples with {versions:,} versions under {asked.policies:,} policies: "
          f"{compared:,} selections, {len(differing):,} differ")  # fmt: skip
    for policy, case, sql, twin in differing[:3]:
        print(policy, case, sql, twin, sep="\n  ")


if __name__ == "__main__":
    main()
