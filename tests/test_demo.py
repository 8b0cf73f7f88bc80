"""The demo project: what ships in sample_data fills every screen."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.methods import GUARDS, REASONS
from srt_core.project.store import Store
from srt_core.records import Origin, Policy, Reason
from srt_core.reflect.outcomes import reply_outcomes
from srt_core.reflect.prompts import load_prompts
from srt_core.reflect.run import reflect
from srt_core.reflect.teacher import ReplayTeacher
from srt_core.review.status import status
from srt_core.select import selection
from srt_core.select.derive import refresh
from srt_core.steps.demo import FOLDER, REFUSED_SAMPLE, REPLIES, fill_demo, is_demo
from tests.screens import APP


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The demo project as a first start makes it."""
    with Store.create(tmp_path_factory.mktemp("demo") / "demo.srt") as store:
        for _ in fill_demo(store):
            pass
        refresh(store)
        yield store


def test_there_are_samples_of_many_kinds() -> None:
    """At least 64 reflected samples over at least 10 kinds, some with an input, some flawed."""
    rows = json.loads((FOLDER / "pairs.json").read_text(encoding="utf-8"))
    assert len(rows) >= 64
    assert len({row["kind"] for row in rows}) >= 10
    assert sum(bool(row["input"]) for row in rows) >= 16
    assert len({row["flaw"] for row in rows}) >= 5


def test_reflections_fail_in_different_ways(demo: Store) -> None:
    """At least 6 recorded replies are refused, for at least 4 reasons, with their raw text kept."""
    refused = [count for count in reply_outcomes(demo) if count.status == "refused"]
    assert sum(count.replies for count in refused) >= 6
    assert len({count.reason for count in refused}) >= 4
    assert demo.value("SELECT count(*) FROM reflected WHERE raw IS NULL") == 0


def test_every_outcome_occurs(demo: Store) -> None:
    """Under the default policy each origin wins the walk and each reason occurs but those of what is off."""
    rows = selection.select(demo, Policy())
    winners = Counter(row["winner"] for row in rows)
    reasons = Counter(row["reason"] for row in rows)
    assert set(winners) == set(Origin)
    assert min(winners.values()) >= 3
    off = {guard.reason for guard in GUARDS.values() if Policy().limit(guard.name) is None}
    assert set(reasons) == set(REASONS) - {Reason.BELOW_TOP_SHARE, Reason.BELOW_DIVERSE_SHARE, *off}
    assert reasons["kept"] >= 12


def test_the_student_behaves_as_the_paper_says(demo: Store) -> None:
    """At the median rewrites raise IFD, rewritten responses lower r-IFD, and the rule takes most of these, not all."""
    rows = {
        row["origin"]: row
        for row in demo.rows(
            """SELECT origin, median(ifd) AS ifd, median(r_ifd) AS r_ifd, stddev(ifd) AS s, stddev(r_ifd) AS t
               FROM score JOIN candidate USING (candidate_id) GROUP BY origin"""
        )
    }
    original = rows.pop(Origin.ORIGINAL)
    assert min(row["ifd"] for row in rows.values()) > original["ifd"] + 0.1
    assert rows[Origin.RESPONSE]["r_ifd"] < original["r_ifd"] - 0.05
    assert min(min(row["s"], row["t"]) for row in rows.values()) > 0.05
    taken = demo.value(
        """SELECT avg((rewrite.r_ifd < score.r_ifd)::INT)
           FROM score JOIN candidate AS original USING (candidate_id)
           JOIN candidate AS response USING (sample_id)
           JOIN score AS rewrite ON rewrite.candidate_id = response.candidate_id
           WHERE original.origin = 'ORIGINAL' AND response.origin = 'RESPONSE'"""
    )
    assert 0.6 < taken < 0.8


def test_the_student_refuses_a_fluent_rewrite(demo: Store) -> None:
    """The sample that the tour shows is left out: its rewrite is longer and harder, and its r-IFD clearly higher."""
    rows = {
        row["origin"]: row
        for row in demo.rows(
            "SELECT origin, ifd, r_ifd, response FROM score JOIN candidate USING (candidate_id) WHERE sample_id = ?",
            [REFUSED_SAMPLE],
        )
    }
    original, rewrite = rows[Origin.ORIGINAL], rows[Origin.RESPONSE]
    assert len(rewrite["response"]) > 5 * len(original["response"])
    assert rewrite["ifd"] > original["ifd"]
    assert rewrite["r_ifd"] > original["r_ifd"] + 0.1
    reason = "SELECT reason FROM selection WHERE sample_id = ?"
    assert demo.value(reason, [REFUSED_SAMPLE]) == Reason.NOT_IMPROVED


OPEN_DEMO = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=120).run()
assert not app.exception, app.exception
assert any("This is the demo project" in each.value for each in app.text)
print(*sorted({"torch", "transformers", "tokenizers"} & set(sys.modules)))
"""


def test_the_demo_opens_without_a_student(tmp_path: Path) -> None:
    """A first start shows the scored demo, and imports neither torch nor transformers nor a tokenizer."""
    environment = {**os.environ, "SRT_PROJECTS_DIR": str(tmp_path)}
    command = [sys.executable, "-c", OPEN_DEMO, str(APP)]
    done = subprocess.run(command, cwd=APP.parent, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    with Store.open(tmp_path / "demo.srt") as store:
        assert status(store)["scored_samples"] > 60


def test_filling_again_adds_nothing(demo: Store) -> None:
    """The demo can be filled again, as after a start that was cut off, and stays as it is."""
    before = status(demo)
    for _ in fill_demo(demo):
        pass
    assert status(demo) == before


def test_the_later_samples_can_be_reflected_in_the_demo(tmp_path: Path) -> None:
    """The samples that wait have recorded replies too: replaying them makes three rewrites each."""
    with Store.create(tmp_path / "demo.srt") as store:
        for _ in fill_demo(store):
            pass
        waiting = store.value("SELECT count(*) FROM sample") - status(store)["reflected"]
        before = status(store)["candidates"]
        for _ in reflect(store, ReplayTeacher(REPLIES), load_prompts()):
            pass
        assert waiting == 4
        assert status(store)["candidates"] == before + 3 * waiting


def test_only_a_demo_is_taken_for_one(tmp_path: Path) -> None:
    """A project with samples from elsewhere is no demo project; a half-made demo is."""
    path = tmp_path / "demo.srt"
    with Store.create(path) as store:
        next(iter(fill_demo(store)))
    assert is_demo(path)
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute("UPDATE import SET path = '/elsewhere/pairs.json'")
    assert not is_demo(path)
    assert not is_demo(tmp_path / "missing.srt")


def test_the_student_is_small_and_says_what_it_is() -> None:
    """The shipped student takes at most 5 MB and its card says that it is for the demo."""
    folder = FOLDER / "student"
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 5_000_000
    assert "For the demo only" in (folder / "README.md").read_text(encoding="utf-8")
