"""`srt trust` prints the numbers of the page, for people and as JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from srt_core.commands.main import app
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, trust
from srt_core.review.trust.audits import Terms
from srt_core.review.trust.kappa import pairings
from srt_core.select import selection
from tests.deciding import create_decided_project


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with decisions and an audit that was drawn from a filter."""
    path = tmp_path_factory.mktemp("cli") / "p.srt"
    with create_decided_project(path, 60, seed=4) as store:
        selection.apply(store, Policy(name="open", require_response_reflection=False), "ann")
        audits.draw(store, Filter(), "all samples", Terms(bound=0.3), "ann")
    return path


def test_json_holds_the_numbers_of_the_page(path: Path) -> None:
    """Shares with counts and intervals, groups, suggestion, audits and kappa; null where nothing is known."""
    told = json.loads(CliRunner().invoke(app, ["trust", str(path), "--json"]).stdout)
    with Store.open(path) as store:
        found, pairs, audit = trust(store), pairings(store), audits.find_audit(store, None)
    share = found.overall[Evidence.ALL].agreement
    agreement, interval = told["decisions"]["all"]["agreement"], share.exact()
    assert interval
    assert (agreement["hits"], agreement["n"], agreement["share"]) == (share.hits, share.n, share.estimate)
    assert (agreement["low"], agreement["high"]) == (interval.low, interval.high)
    assert [group["from"] for group in told["by_margin"]] == [group.value for group in found.margins]
    assert set(told["by_kind"]) == {"origin", "length"}
    assert told["suggested_margin"]["by_lower_limit"] is None
    assert (told["audits"][0]["drawn"], told["audits"][0]["judged"]) == (audit.size, 0)
    assert [(pair["one"], pair["other"], pair["version"]["kappa"]) for pair in told["curators"]] == [
        (pair.one, pair.other, pair.version.kappa) for pair in pairs
    ]


def test_text_says_the_same_in_lines(path: Path) -> None:
    """A share is one line with its interval and counts; what is not known is a dash."""
    text = CliRunner().invoke(app, ["trust", str(path), "--wanted", "0.99"]).stdout
    with Store.open(path) as store:
        share = trust(store).overall[Evidence.ALL].agreement
    assert f"agreement: {share.hits / share.n * 100:.1f} % (" in text
    assert f"{share.hits} of {share.n}" in text
    assert "by lower limit: –" in text
    assert "from 0.01:" in text
