"""`srt trust` prints the numbers of the page, for people and as JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from srt_core.commands.main import app
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, trust
from srt_core.review.trust.audits import Part, Population, Terms
from srt_core.review.trust.kappa import pairings
from srt_core.select import selection
from tests.blind_reading import read_one, versions_of
from tests.deciding import create_decided_project


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with decisions, an audit of all that is read in part, and one of what the rule keeps."""
    path = tmp_path_factory.mktemp("cli") / "p.srt"
    with create_decided_project(path, 60, seed=4) as store:
        selection.apply(store, Policy(name="open", require_response_reflection=False), "ann")
        audit = audits.draw(store, Population(), "all samples", 30, "ann", seed="s")
        for name in audit.samples[:25]:
            read_one(store, audit, name, versions_of(store, name)[:2])
        audits.draw(store, Population(Part.KEPT), "all samples", Terms(bound=0.3), "ann")
    return path


def test_json_holds_the_numbers_of_the_page(path: Path) -> None:
    """Claims with counts and intervals of random reads; chosen decisions without; audits and kappa."""
    told = json.loads(CliRunner().invoke(app, ["trust", str(path), "--json"]).stdout)
    with Store.open(path) as store:
        found, pairs, audit = trust(store), pairings(store), audits.find_audit(store, None)
    claim = found.claim(found.overall[Evidence.RANDOM].of_all)
    of_all, interval = told["random_reads"]["of_all"], claim.interval
    assert interval
    assert (of_all["right"], of_all["wrong"], of_all["open"]) == (claim.reads.right, claim.reads.wrong, 5)
    assert (of_all["low"], of_all["high"]) == (interval.low, interval.high)
    assert told["claims"]["of_all"] == claim.sentence("all samples")
    assert set(told["chosen_decisions"]["kept"]) == {"right", "wrong", "open", "share"}
    assert [group["from"] for group in told["by_margin"]] == [group.value for group in found.margins]
    assert set(told["by_kind"]) == {"origin", "length"}
    assert (told["audits"][0]["drawn"], told["audits"][0]["part"], told["audits"][0]["met"]) == (
        audit.size, "kept", False,
    )  # fmt: skip
    assert told["audits"][1]["unread"] == 5
    assert [(pair["one"], pair["other"], pair["version"]["kappa"]) for pair in told["curators"]] == [
        (pair.one, pair.other, pair.version.kappa) for pair in pairs
    ]


def test_text_says_the_same_in_lines(path: Path) -> None:
    """A share of random reads is one line with interval and counts; what is not known is a dash."""
    text = CliRunner().invoke(app, ["trust", str(path), "--wanted", "0.999"]).stdout
    with Store.open(path) as store:
        found = trust(store)
    reads = found.overall[Evidence.RANDOM].of_all
    assert f"of all: {reads.right / reads.read * 100:.1f} % (" in text
    assert f"{reads.right} of {reads.read}, 5 drawn are open" in text
    chosen = found.overall[Evidence.CHOSEN].kept
    assert f"kept: {chosen.right / chosen.read * 100:.1f} %, {chosen.right} of {chosen.read}" in text
    assert "from 0.01:" in text
