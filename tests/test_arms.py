"""Arms: equal budgets, controls of equal size, nothing that was put aside; cut off, they go on arm by arm."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from srt_core.errors import PolicyError, StudentError
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.select.policy import find_policy
from srt_core.train.arms import ALL, CONTROLS, ORIGINALS, RANDOM, begin_experiment, candidates_of_arm
from srt_core.train.exports import read_export
from srt_core.train.runs import RunState, runs
from tests.command_line import DONE, called
from tests.small_project import create_scored_project, save_student
from tests.test_train import ROOT

ASKED = {"controls": list(CONTROLS), "seeds": 2, "tokens": 500}
PRESET = "selective-code"
TOKENS = 900


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scored project of forty samples and its student."""
    folder = tmp_path_factory.mktemp("arms")
    create_scored_project(folder / "p.srt", save_student(folder / "student"), 40).close()
    return folder


def kept(store: Store, ids: list[int]) -> tuple[set[str], set[str]]:
    rows = store.rows(
        "SELECT sample_id, origin FROM candidate WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))", [ids]
    )
    return {row["sample_id"] for row in rows}, {row["origin"] for row in rows}


def test_controls_are_drawn_to_be_compared(made: Path) -> None:
    """Random has the size of what the rule keeps, anew for each seed; no arm has a sample that was put aside."""
    with Store.open(made / "p.srt") as store:
        found = begin_experiment(store, ASKED, [find_policy(store, PRESET)], 8, made / "first")
        again = begin_experiment(store, ASKED, [find_policy(store, PRESET)], 8, made / "first")
        assert found == again and len(found.put_aside) == 8
        name = found.policies[0].name
        ids = {arm: candidates_of_arm(store, found, arm, 1) for arm in found.arms}
        assert len(ids[RANDOM]) == len(ids[name]) > 0
        assert ids[RANDOM] == candidates_of_arm(store, found, RANDOM, 1) != candidates_of_arm(store, found, RANDOM, 2)
        assert set(ids[RANDOM]) < set(ids[ALL])
        for arm, each in ids.items():
            samples, origins = kept(store, each)
            assert not samples & set(found.put_aside)
            assert (origins == {str(Origin.ORIGINAL)}) == (arm == ORIGINALS)
        assert len(kept(store, ids[ALL])[0]) == len(ids[ALL]) == len(ids[ORIGINALS]) == 32
        with pytest.raises(PolicyError, match="one name"):
            begin_experiment(store, ASKED, [Policy(RANDOM)], 8, None)
        with pytest.raises(StudentError, match="left to train on"):
            begin_experiment(store, ASKED, [Policy("other")], 30, None)


def arms_command(folder: Path) -> list[str]:
    return ["arms", str(folder / "p.srt"), "--policies", PRESET, "--with", "random,originals", "--seeds", "1",
            "--tokens", str(TOKENS), "--put-aside", "8", "--batch-size", "4", "--threads", "1", "--learning-rate",
            "0.01", "--no-measure", "--device", "cpu", "--out", str(folder / "arms")]  # fmt: skip


@pytest.mark.slow
@pytest.mark.thorough
def test_arms_that_are_cut_off_go_on_arm_by_arm(made: Path) -> None:
    """Killed in the second arm, the same command keeps the first, ends all, and reports them on both sides."""
    command = [sys.executable, "-m", "srt_core", *arms_command(made)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (made / "arms" / "originals-1" / "task.json").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    with Store.open(made / "p.srt") as store:
        first = {run.arm: (run.run_id, run.updated_at) for run in runs(store) if run.state is RunState.DONE}
    assert list(first) == [RANDOM]
    ended = called(*arms_command(made))
    assert ended.returncode == DONE, ended.stderr
    with Store.open(made / "p.srt") as store:
        found = runs(store)
        name = find_policy(store, PRESET).name
    assert {run.arm for run in found} >= {RANDOM, ORIGINALS}
    assert [run.state for run in found] == [RunState.DONE] * 3
    assert next((run.run_id, run.updated_at) for run in found if run.arm == RANDOM) == first[RANDOM]
    assert all(TOKENS - 200 < run.tokens <= TOKENS for run in found)
    sets = [read_export(Path(run.export_folder)) for run in found]
    assert len({each.put_aside for each in sets}) == 1
    assert not any({pair.sample_id for pair in each.pairs} & set(each.put_aside) for each in sets)
    assert "3 of 3 runs are done" in ended.stdout and name
    assert "On original responses" in ended.stdout and "On rewritten responses" in ended.stdout
    assert len(json.loads(called("runs", made / "p.srt", "--json").stdout)) == 3
