"""The Trust screen without a browser: what it says is what the core counts, and an audit goes from draw to approval."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin, Policy
from srt_core.review import decisions
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, trust
from srt_core.review.trust.audits import Part, Population, Terms
from srt_core.select import selection
from srt_core.ui.server.runtime import Project
from tests.blind_reading import read_all, read_one, versions_of
from tests.deciding import create_decided_project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import links, open_screen, served, words

PAGE = "pages/7_Trust.py"
HISTORY = "pages/9_History.py"
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


def test_an_audit_queue_without_an_audit_is_one_error(project: Project) -> None:
    """Where no audit was drawn, its queue says so once, with where to draw one; so does an audit that is not there."""
    for query in ({"queue": "drawn"}, {"queue": "drawn", "audit": "999"}):
        said = words(open_screen("pages/6_Review.py", **query))
        assert said.count("There is no audit") == said.count("Draw one on the page Trust.") == 1


def test_without_random_reads_nothing_is_claimed(project: Project) -> None:
    """However much people chose to decide, there is no interval: the page says so and offers a draw of all samples."""
    for place in range(20):
        judge(project, f"s{place}")
    app = open_screen(PAGE)
    assert "No random reads yet" in words(app)
    assert app.button(key="trust_draw").label == "Draw 30 samples"
    (table,) = (table.value for table in app.dataframe)
    assert list(table["right"]) == ["–", "–", "–"]
    assert list(table["chosen"]) == ["20 of 20", "20 of 20", "0 of 0"]


def test_the_figures_are_those_of_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence and the tables say random reads with intervals, chosen decisions without, and kappa."""
    create_decided_project(tmp_path / "p.srt", 60, seed=3).close()
    with served(monkeypatch, tmp_path / "p.srt") as project:
        audit = audits.draw(project.store, Population(), "all", 40, "ann", seed="s")
        read_all(project.store, audit, lambda name: versions_of(project.store, name)[:1])
        app = open_screen(PAGE)
        found = trust(project.store)
        reads, chosen = found.overall[Evidence.RANDOM], found.overall[Evidence.CHOSEN]
        assert found.claim(reads.kept).sentence("what the rule keeps") in words(app)
        overall, kinds, curators = (table.value for table in app.dataframe)
        parts = ("of_all", "kept", "left_out")
        assert list(overall["n"]) == [f"{part.right} of {part.read}" for part in (getattr(reads, n) for n in parts)]
        assert list(overall["chosen"]) == [
            f"{part.right} of {part.read}" for part in (getattr(chosen, name) for name in parts)
        ]
        assert sum(kinds["n"]) == reads.of_all.drawn
        assert set(curators["one"]) <= {"ann", "bob", "cem"}
        assert links(app)["Where people overrode the rule"].count("state=overridden")
        app.segmented_control(key="trust_evidence").set_value(Evidence.CHOSEN).run()
        kinds = app.dataframe[1].value
        assert sum(kinds["n"]) == chosen.of_all.drawn
        assert not any("(" in said for said in kinds["of_all"])
        assert not app.exception


def test_an_audit_goes_from_draw_to_approval(project: Project) -> None:
    """Draw, read blind, approve exactly what the button says; a later verdict that breaks it shows here and in
    History."""
    app = open_screen(PAGE)
    app.segmented_control(key="trust_part").set_value(Part.KEPT).run()
    app.number_input(key="trust_bound").set_value(20.0).run()
    label = app.button(key="trust_draw").label
    app.button(key="trust_draw").click().run()
    audit = audits.find_audit(project.store, None)
    assert label == f"Draw {audit.size} samples"
    assert f"0 of {audit.size} read, 0 wrong" in app.get("progress")[0].proto.text
    assert f"audit={audit.event_id}" in links(app)[f"Read {audit.size} in Review"]
    assert "drew from these samples" in words(app)
    read_all(project.store, audit, lambda name: versions_of(project.store, name)[1:])
    app.run()
    assert f"It approves {30 - audit.size} that nobody read and {audit.size} that were read" in words(app)
    assert app.button(key="trust_approve").label == "Approve 30"
    app.button(key="trust_approve").click().run()
    assert not app.exception
    assert events.count_events(project.store, EventFilter(kind="approve")) == 30
    read_one(project.store, audit, audit.samples[0], [])
    assert "found wrong or parked since" in words(app.run())
    assert "Of what the policy in use keeps, between" in words(app)
    approved = events.events(project.store, EventFilter(kind="approve"), 1)[0]
    assert "its evidence is broken" in words(open_screen(HISTORY, kind="approve"))
    assert approved.in_action == 30


def test_after_too_many_wrong_more_are_offered(project: Project) -> None:
    """One wrong where none was allowed: no approval, a button that draws more, as another look."""
    terms = Terms(bound=0.4, confidence=0.8)
    audit = audits.draw(project.store, Population(Part.KEPT), EVIL, terms, "ann", seed="s")
    read_all(
        project.store, audit,
        lambda name: [] if name == audit.samples[0] else versions_of(project.store, name),
    )  # fmt: skip
    app = open_screen(PAGE)
    assert not [button for button in app.button if button.key == "trust_approve"]
    assert "1 wrong, where 0 were allowed" in words(app)
    app.button(key="trust_extend").click().run()
    assert audits.find_audit(project.store, None).size > audit.size
    assert EVIL not in "".join(str(block.value) for block in [*app.markdown, *app.caption])


def test_a_policy_that_picks_otherwise_ends_an_audit_of_what_is_kept(project: Project) -> None:
    """The card says that the audit no longer holds; one of all samples stands."""
    audits.draw(project.store, Population(), "all", 5, "ann")
    audits.draw(project.store, Population(Part.KEPT), "all", Terms(bound=0.2), "ann")
    selection.apply(project.store, Policy(name="less", response_margin=-0.5).limited(max_r_ifd=0.4), "ann")
    app = open_screen(PAGE)
    assert "says nothing about the picks of now" in words(app)
    of_all = audits.audits(project.store)[1].event_id
    assert "says nothing about the picks of now" not in words(open_screen(PAGE, audit=str(of_all)))


def test_the_population_is_that_of_the_filter_in_the_address(project: Project) -> None:
    """A filter narrows what is drawn from; one that decisions or the rule define is refused in words."""
    assert "whatever was decided" in words(open_screen(PAGE, state="approved"))
    assert "another policy changes" in words(open_screen(PAGE, reason="kept"))
    for place in range(25):
        judge(project, f"s{place}")
    app = open_screen(PAGE)
    app.segmented_control(key="trust_part").set_value(Part.KEPT).run()
    assert "All 5 samples that the rule keeps and nobody decided would have to be read" in words(app)
