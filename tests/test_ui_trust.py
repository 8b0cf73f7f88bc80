"""The Trust screen without a browser: what it says is what the core counts, and an audit goes from draw to approval."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin, Policy
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, trust
from srt_core.review.trust.audits import Terms
from srt_core.select import selection
from srt_core.ui.server.runtime import Project
from tests.deciding import create_decided_project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import links, open_screen, served, words

PAGE = "pages/7_Trust.py"
KEPT = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
EVIL = "![x](http://198.51.100.7/b.png) :red[y]"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """30 samples that the rule keeps, none decided."""
    create_project(tmp_path / "own.srt", [KEPT] * 30).close()
    with served(monkeypatch, tmp_path / "own.srt") as project:
        yield project


def judge(project: Project, name: str, action: Action = Action.APPROVE) -> None:
    origin = None if action is Action.REJECT else Origin.RESPONSE
    decisions.decide(project.store, Decision(name, action, "ann", origin), expected_event_id=None)


def test_an_empty_project_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without samples the page leads to Import."""
    with served(monkeypatch, tmp_path / "empty.srt"):
        assert "Import some first" in words(open_screen(PAGE))


def test_before_anybody_decided_the_page_leads_to_review(project: Project) -> None:
    """Without a decision there are no figures; the page leads to Review and lets an audit be drawn."""
    app = open_screen(PAGE)
    assert "Nobody has decided a sample yet" in words(app)
    assert "Review" in links(app)
    assert not app.dataframe
    assert app.button(key="trust_draw").label == "Draw 29 samples"


def test_the_figures_are_those_of_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables say agreement, precision and recall with counts, by kind, and kappa between curators."""
    create_decided_project(tmp_path / "p.srt", 60, seed=3).close()
    with served(monkeypatch, tmp_path / "p.srt") as project:
        app = open_screen(PAGE)
        found = trust(project.store).overall[Evidence.ALL]
        overall, kinds, curators = (table.value for table in app.dataframe)
        assert list(overall["n"]) == [
            f"{share.hits} of {share.n}" for share in (found.agreement, found.precision, found.recall)
        ]
        assert sum(kinds["n"]) == found.agreement.n
        assert f"{found.edits} of them are edits" in app.caption[0].value
        assert set(curators["one"]) <= {"ann", "bob", "cem"}
        assert links(app)["Where people overrode the rule"].count("state=overridden")
        assert "no margin reaches it" in words(app)
        app.segmented_control(key="trust_evidence").set_value(Evidence.RANDOM).run()
        drawn = trust(project.store).overall[Evidence.RANDOM]
        assert sum(app.dataframe[1].value["n"]) == drawn.agreement.n
        assert not app.exception


def test_an_audit_goes_from_draw_to_approval(project: Project) -> None:
    """Draw, judge in Review's queue, approve the remaining N of the button; the log holds the evidence."""
    app = open_screen(PAGE)
    app.number_input(key="trust_bound").set_value(20.0).run()
    label = app.button(key="trust_draw").label
    app.button(key="trust_draw").click().run()
    audit = audits.find_audit(project.store, None)
    assert label == f"Draw {audit.size} samples"
    assert f"0 of {audit.size} judged, 0 wrong" in app.get("progress")[0].proto.text
    assert f"audit={audit.event_id}" in links(app)[f"Judge {audit.size} in Review"]
    assert "drew from these samples" in words(app)
    for name in audit.samples:
        judge(project, name)
    app.run()
    remaining = 30 - audit.size
    assert "By the estimate: at a margin of at least **0** the rule agrees with people in 100.0 %" in words(app)
    assert "covers **100 %** of the set" in words(app)
    assert app.button(key="trust_approve").label == f"Approve the remaining {remaining}"
    app.button(key="trust_approve").click().run()
    assert not app.exception
    assert events.count_events(project.store, EventFilter(kind="approve")) == 30
    assert "evidence" in events.events(project.store, EventFilter(kind="approve"), 1)[0].context
    assert "Nothing of its population is left" in "".join(caption.value for caption in app.caption)


def test_after_too_many_wrong_more_are_offered(project: Project) -> None:
    """One wrong where none was allowed: no approval, a button that draws more, and what it does to the confidence."""
    audit = audits.draw(project.store, Filter(), EVIL, Terms(bound=0.3, confidence=0.8), "ann", seed="s")
    for name in audit.samples:
        judge(project, name, Action.REJECT if name == audit.samples[0] else Action.APPROVE)
    app = open_screen(PAGE)
    assert not [button for button in app.button if button.key == "trust_approve"]
    assert "1 wrong, where 0 were allowed" in words(app)
    app.button(key="trust_extend").click().run()
    assert audits.find_audit(project.store, None).size > audit.size
    assert EVIL not in "".join(str(block.value) for block in [*app.markdown, *app.caption])


def test_a_policy_that_picks_otherwise_ends_an_audit(project: Project) -> None:
    """The card says that the audit no longer holds, and a new one may be drawn."""
    audits.draw(project.store, Filter(), "all", Terms(bound=0.2), "ann")
    selection.apply(project.store, Policy(name="less", response_margin=-0.5).limited(max_r_ifd=0.4), "ann")
    assert "says nothing about the picks of now" in words(open_screen(PAGE))
    selection.apply(project.store, Policy(), "ann")
    assert "says nothing about the picks of now" not in words(open_screen(PAGE))


def test_the_population_is_that_of_the_filter_in_the_address(project: Project) -> None:
    """A filter narrows what is drawn from; a filter on decided samples is refused in words."""
    app = open_screen(PAGE, reason="not_improved")
    assert app.button(key="trust_draw").disabled
    assert "keeps no undecided sample" in words(app)
    for place in range(25):
        judge(project, f"s{place}")
    assert "All 5 samples that the rule keeps and nobody decided would have to be read" in words(open_screen(PAGE))
    assert "nobody decided" in words(open_screen(PAGE, state="approved"))


def test_review_walks_an_audit_and_says_how_far_it_is(project: Project) -> None:
    """The address names the audit; its first open sample is on the desk, with the progress above."""
    audit = audits.draw(project.store, Filter(), "all", Terms(bound=0.2), "ann")
    judge(project, audit.samples[0])
    app = open_screen("pages/6_Review.py", queue="drawn", audit=str(audit.event_id))
    assert audit.samples[1] in "".join(caption.value for caption in app.caption)
    assert f"audited **1** of {audit.size}, 0 wrong so far" in words(app)
    assert f"audit={audit.event_id}" in links(app)["Audit"]
    assert "There is no audit 999" in words(open_screen("pages/6_Review.py", queue="drawn", audit="999"))
    assert "There is no audit x" in words(open_screen("pages/6_Review.py", queue="drawn", audit="x"))


def test_thresholds_draw_agreement_once_somebody_decided(project: Project) -> None:
    """The chart of agreement by margin is one of the views below the dials, from the first decision on."""
    app = open_screen("pages/5_Thresholds.py")
    app.session_state["thresholds_view"] = "people"
    assert "Nobody has decided a sample yet" in words(app.run())
    judge(project, "s0")
    assert "Agreement with people by margin" in words(app.run())
