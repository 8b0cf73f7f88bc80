"""The demo project: what ships in sample_data fills every screen."""

import json
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
from srt_core.steps.demo import FOLDER, REPLIES, fill_demo, is_demo, score_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The demo project as a first start makes it."""
    with Store.create(tmp_path_factory.mktemp("demo") / "demo.srt") as store:
        for step in (fill_demo, score_demo):
            for _ in step(store):
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
    assert set(reasons) == set(REASONS) - {Reason.BELOW_TOP_SHARE, *off}
    assert reasons["kept"] >= 12


def test_scores_are_not_degenerate(demo: Store) -> None:
    """The tiny student tells candidates apart: scores spread, and most lie below 1."""
    row = demo.rows(
        "SELECT median(ifd) AS ifd, stddev(ifd) AS s, median(r_ifd) AS r_ifd, stddev(r_ifd) AS t FROM score"
    )[0]
    assert 0.5 < row["ifd"] < 1
    assert 0.5 < row["r_ifd"] < 1
    assert min(row["s"], row["t"]) > 0.05


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
