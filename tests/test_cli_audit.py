"""`srt audit` draws, says how far an audit is, and says what Trust says."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import trust
from srt_core.review.trust.audits import Part, Population, Terms
from srt_core.review.trust.claims import FIXED_BEFORE
from tests.blind_reading import read_all, read_one, versions_of
from tests.command_line import Command, refused
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import open_screen, served, words

KEPT = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A project of 30 samples that the rule keeps, none decided."""
    create_project(tmp_path / "p.srt", [KEPT] * 30).close()
    return tmp_path / "p.srt"


def test_a_draw_is_that_of_the_page(path: Path, command: Command) -> None:
    """It draws from all samples, logs who drew, and says where they are read; a second draw is refused."""
    said = command("audit", path, "--reads", 10, "--by", "ann").stdout
    with Store.open(path) as store:
        (audit,) = audits.audits(store)
    assert (audit.size, audit.part, audit.words, audit.author) == (10, Part.ALL, "all samples", "ann")
    assert f"Audit {audit.event_id}: 10 of 30 samples, drawn by ann, " in said
    assert "0 of 10 read, 0 wrong" in said
    assert f"Read 10 in the app: `srt app {path}`" in said
    assert "drew from these samples already" in refused(command("audit", path, "--reads", 10))


def test_what_is_shown_is_what_the_page_says(path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The opening sentence, the claim of each audit and its terms are word for word those of Trust."""
    assert command("audit", path).stdout == (
        "No random reads yet: nothing can be said of how often the rule is right, over all samples.\n"
    )
    command("audit", path, "--reads", 12, "--by", "ann")
    command("audit", path, "--bound", 0.3, "--by", "ann")
    with Store.open(path) as store:
        of_kept, of_all = audits.audits(store)
        assert (of_kept.part, of_kept.terms) == (Part.KEPT, Terms(0.3))
        read_all(store, of_all, lambda name: versions_of(store, name)[1:])
        read_one(store, of_kept, of_kept.samples[-1], [])
        opening = trust(store).opening
    said = command("audit", path).stdout.splitlines()
    assert said[:2] == [opening, FIXED_BEFORE]
    with served(monkeypatch, path):
        pages = [open_screen("pages/7_Trust.py", audit=str(each.event_id)) for each in (of_kept, of_all)]
        shown = [words(page) + _more(page) for page in pages]
    for page, number in zip(shown, (of_kept.event_id, of_all.event_id), strict=True):
        lines = [line.strip() for line in command("audit", path, "--audit", number).stdout.splitlines()]
        shows = [line for line in lines[1:] if not line.startswith("Read ")]
        assert len(shows) > 1
        assert all(line in page for line in shows), (shows, page)
    assert opening in shown[0]
    assert FIXED_BEFORE in shown[0]


def _more(page: AppTest) -> str:
    return " ".join([*(bar.proto.text for bar in page.get("progress")), *(str(each.value) for each in page.caption)])


def test_more_are_drawn_for_the_audit_that_is_named(path: Path, command: Command) -> None:
    """More are the next of the same order, as another look; the newest audit where none is named."""
    with Store.open(path) as store:
        of_all = audits.draw(store, Population(), "all samples", 10, "ann", seed="s")
    assert "Audit" in command("audit", path, "--more", 5).stdout
    assert "18 of 30 samples" in command("audit", path, "--more", 3, "--audit", of_all.event_id).stdout
    assert f"There is no audit {of_all.event_id + 99}." in refused(
        command("audit", path, "--audit", of_all.event_id + 99)
    )


def test_two_ways_to_draw_are_refused(path: Path, command: Command) -> None:
    """A number of reads and a bound at once is no plan; a population without samples is named as such."""
    assert "--reads and --bound are two ways to draw" in refused(command("audit", path, "--reads", 5, "--bound", 0.1))
    assert "There is nothing to draw from." in refused(command("audit", path, "--reads", 5, "--from", "left-out"))
    assert "There is nothing to draw from." in refused(command("audit", path, "--reads", 5, "--language", "xx"))
