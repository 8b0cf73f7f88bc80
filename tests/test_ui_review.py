"""The Review page without a browser: which queue and sample the address leads to, and what the desk is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.ui.server.runtime import Project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import desk_of, open_screen, served, words

REVIEW = "pages/6_Review.py"

# The rule keeps the response of s0 and s1 and leaves s2 out, which is closest to a limit; s3 has no second version.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.625)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.8125)}),
    Case({Origin.ORIGINAL: Numbers(None, None)}, failed=frozenset({Origin.RESPONSE})),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    create_project(tmp_path / "project.srt", CASES).close()
    with served(monkeypatch, tmp_path / "project.srt") as project:
        yield project


def test_the_place_is_in_the_address(project: Project) -> None:
    """Without an address the page opens on what is closest to a limit; a new session follows the address left."""
    app = open_screen(REVIEW)
    assert (desk_of(app)["queue"], desk_of(app)["at"]) == ("closest", "s2")
    assert (app.query_params["queue"], app.query_params["sample"]) == ("closest", "s2")
    told = desk_of(open_screen(REVIEW, queue="closest", sample="s1"))
    assert (told["at"], told["place"]["position"], told["order"]) == ("s1", 2, ["s2", "s1", "s0"])


def test_a_queue_in_which_nothing_waits_is_not_the_first_to_open(project: Project) -> None:
    """Where the usual queue is done, whoever names none gets all samples."""
    for name in ("s0", "s1", "s2"):
        decisions.decide(project.store, Decision(name, Action.REJECT, "bob"), expected_event_id=None)
    assert (desk_of(open_screen(REVIEW))["queue"], desk_of(open_screen(REVIEW))["at"]) == ("all", "s3")


def test_a_queue_that_is_done_puts_nothing_on_screen(project: Project) -> None:
    """With nothing ahead the desk says what next; the last decision can still be undone."""
    decisions.decide(project.store, Decision("s3", Action.REJECT, "curator"), expected_event_id=None)
    told = desk_of(open_screen(REVIEW, queue="failed"))
    assert (told["at"], told["ahead"], [each["sample"] for each in told["last"]]) == (None, [], ["s3"])


def test_the_filter_queue_reads_the_filter_in_the_address(project: Project) -> None:
    """ "This filter" holds what Explore shows for the same address, to which the desk has the way back."""
    told = desk_of(open_screen(REVIEW, queue="filter", reason="not_improved"))
    assert (told["at"], told["place"]["samples"]) == ("s2", 1)
    assert told["links"] == [["explore", "In Explore"]]


def test_the_queues_say_what_they_hold(project: Project) -> None:
    """Each has a name and a sentence; an audit's is there once one was drawn."""
    offered = {name: (label, about) for name, label, about in desk_of(open_screen(REVIEW))["queues"]}
    assert "drawn" not in offered
    assert {"closest", "unread", "failed", "parked", "filter", "all"} <= set(offered)
    assert all(label and about.endswith(".") for label, about in offered.values())


def test_an_unknown_sample_is_an_error_in_words(project: Project) -> None:
    """A link to a sample that is not in the project says so, above a desk with which to go on; a number leads too."""
    app = open_screen(REVIEW, sample="nowhere")
    assert "There is no sample nowhere" in words(app)
    assert desk_of(app)["at"] == "s2"
    assert desk_of(open_screen(REVIEW, sample="2"))["at"] == "s1"


def test_an_empty_project_says_what_to_do(project: Project) -> None:
    """Without samples the screen leads to Import."""
    with project.store.transaction() as tx:
        tx.execute("DELETE FROM sample")
    assert "There are no samples to review yet" in words(open_screen(REVIEW))
