"""What applying a policy stores, and what is selected again when the numbers or the scoring change."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import PolicyError, SRTError
from srt_core.project import events
from srt_core.project.store import Row, Store
from srt_core.records import Acceptance, Action, Decision, Origin, Policy
from srt_core.review import decisions
from srt_core.score.scorings import use_scoring
from srt_core.select import selection
from srt_core.select.applied import changes_in, last_applied, undo_applied
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, policy_from_json, policy_to_json
from tests import rule_oracle
from tests.rule_oracle import Numbers
from tests.rule_project import SCORING, append_scores, create_project, kept, random_cases, read, sample_name

FREE = Policy(require_response_reflection=False).limited(max_ifd=None, max_r_ifd=None)
CASES = random_cases(200, seed=20240210)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    """A project of a few random samples."""
    with create_project(tmp_path / "small.duckdb", CASES) as store:
        yield store


def stored(store: Store) -> list[Row]:
    """The table of selections as it stands."""
    return store.rows("SELECT * FROM selection ORDER BY seq")


def test_asking_stores_nothing(small: Store) -> None:
    """select under another policy changes neither the stored selection nor the log."""
    refresh(small)
    before = stored(small)
    selection.select(small, FREE)
    assert stored(small) == before
    assert applied_policy(small) == Policy()
    assert events.count_events(small, events.EventFilter()) == 0


def test_apply_stores_what_select_gave(small: Store) -> None:
    """After apply the selection stored is what select gave, and one event names the policy and the one before."""
    policy = replace(FREE, name="wide", top_share=50, instruction_margin=0.125)
    asked = selection.select(small, policy)
    selection.apply(small, policy, "ann")
    assert [dict(sorted(row.items())) for row in stored(small)] == [dict(sorted(row.items())) for row in asked]
    assert applied_policy(small) == policy
    selection.apply(small, policy, "ann")
    logged = events.events(small, events.EventFilter(), limit=10)
    assert [(event.kind, event.author) for event in logged] == [("policy", "ann")]
    context = dict(logged[0].context)
    assert policy_from_json(json.dumps(context.pop("before"))) == Policy()
    assert policy_from_json(json.dumps(context)) == policy


def test_the_applied_policy_survives_closing(tmp_path: Path) -> None:
    """A policy applied before the file was closed is the applied one when it is opened again."""
    path = tmp_path / "p.duckdb"
    with create_project(path, CASES[:20]) as store:
        selection.apply(store, FREE, "ann")
        before = stored(store)
    with Store.open(path) as store:
        refresh(store)
        assert applied_policy(store) == FREE
        assert stored(store) == before


def test_apply_never_touches_a_decision(small: Store) -> None:
    """Decisions and their verdicts stay under any policy; what nobody decided or parked follows the rule."""
    refresh(small)
    for place, action in enumerate([Action.APPROVE, Action.CHOOSE, Action.REJECT, Action.PARK] * 5):
        origin = Origin.ORIGINAL if action in (Action.APPROVE, Action.CHOOSE) else None
        decisions.decide(small, Decision(sample_name(place), action, "ann", origin), expected_event_id=None)
    decided = "SELECT * FROM event WHERE kind <> 'policy' ORDER BY event_id"
    verdicts = "SELECT sample_id, verdict_origin, action, decided, approved FROM verdict WHERE decided ORDER BY seq"
    stand = "FROM standing ORDER BY sample_id"
    before = [small.rows(question) for question in (decided, stand, verdicts)]
    for policy in (FREE, Policy(top_share=1), Policy()):
        selection.apply(small, policy, "bob")
        assert [small.rows(question) for question in (decided, stand, verdicts)] == before
        following = small.rows(
            "SELECT sample_id, verdict_origin AS origin FROM verdict WHERE action IS NULL ORDER BY seq"
        )
        asked = {row["sample_id"]: row["origin"] for row in selection.select(small, policy)}
        assert {row["sample_id"]: row["origin"] for row in following}.items() <= asked.items()
        assert len(following) == 200 - 20


def undo_last(store: Store, by: str = "ann") -> Policy:
    last = last_applied(store)
    assert last
    return undo_applied(store, last.event_id, by)


def test_undo_puts_back_what_stood_before(small: Store) -> None:
    """Undone one by one, policies and selections are bit for bit those of before; the log grows, decisions stay."""
    refresh(small)
    decisions.decide(small, Decision("s3", Action.APPROVE, "ann", Origin.ORIGINAL), expected_event_id=None)
    stand = "SELECT * FROM standing ORDER BY sample_id"
    decided = small.rows(stand)
    policies = [Policy(), replace(FREE, name="wide", top_share=50), Policy(name="high", instruction_margin=0.125)]
    seen = [stored(small)]
    for policy in policies[1:]:
        selection.apply(small, policy, "ann")
        seen.append(stored(small))
    assert seen[0] != seen[1] != seen[2]
    for policy, rows in zip(reversed(policies[:-1]), reversed(seen[:-1]), strict=True):
        assert undo_last(small, "bob") == applied_policy(small) == policy
        assert stored(small) == rows
        assert small.rows(stand) == decided
    logged = events.events(small, events.EventFilter(kind="policy"), limit=10)
    assert [(event.author, event.undone) for event in logged] == [
        ("bob", False), ("bob", False), ("ann", True), ("ann", True),
    ]  # fmt: skip
    assert [event.undoes for event in logged] == [logged[3].event_id, logged[2].event_id, None, None]
    assert last_applied(small) is None
    with pytest.raises(PolicyError, match="No policy was applied that could be undone"):
        undo_applied(small, logged[3].event_id, "ann")
    selection.apply(small, policies[2], "ann")
    assert undo_last(small) == Policy()


def test_an_undo_is_refused_where_somebody_applied_since(small: Store) -> None:
    """Only the event that was seen last is undone: after another's apply, or undo, a sentence and no change."""
    selection.apply(small, replace(FREE, name="of ann"), "ann")
    seen = last_applied(small)
    selection.apply(small, Policy(name="of bob", top_share=10), "bob")
    assert seen
    before = stored(small)
    number = events.count_events(small, events.EventFilter())
    with pytest.raises(PolicyError, match="bob applied of bob since, so nothing was undone"):
        undo_applied(small, seen.event_id, "ann")
    latest = last_applied(small)
    assert latest
    with pytest.raises(PolicyError, match="applied no policy"):
        undo_applied(small, latest.event_id + 1, "ann")
    assert (stored(small), applied_policy(small).name) == (before, "of bob")
    assert events.count_events(small, events.EventFilter()) == number
    undo_applied(small, latest.event_id, "bob")
    with pytest.raises(PolicyError, match="undone meanwhile, by bob"):
        undo_applied(small, latest.event_id, "ann")
    assert applied_policy(small).name == "of ann"


def test_what_cannot_come_back_is_said(small: Store) -> None:
    """A policy of which too little was kept, or whose method is gone, is not put back; the one in use stays."""
    for context, said in (
        ({"name": "new"}, "An older version"),
        ({"name": "new", "before": {**json.loads(policy_to_json(Policy())), "method": "gone"}}, "no method gone"),
    ):
        event_id = events.record(small, "policy", "ann", context)
        with pytest.raises(PolicyError, match=said):
            undo_applied(small, event_id, "ann")
    assert applied_policy(small) == Policy()


def test_what_a_policy_changed_is_said_in_words(small: Store) -> None:
    """An event of a policy says each limit and option that it changed, with the value before and after."""
    policy = replace(Policy(accept_response=Acceptance.ALWAYS, require_response_reflection=False), name="other")
    selection.apply(small, policy.limited(max_ifd=0.8, max_r_ifd=None), "ann")
    last = last_applied(small)
    assert last
    assert changes_in(last.context) == [
        "Take the new response: if better → always",
        "Highest IFD: 1 → 0.8",
        "Highest r-IFD: 1 → off",
        "Only rewritten responses: yes → no",
    ]
    assert (last.author, last.name, last.name_before) == ("ann", "other", "selective-code")
    assert changes_in({"name": "of an older version"}) == []


def test_new_numbers_are_selected_upon(small: Store) -> None:
    """After new scores are written and noted, select and refresh follow them."""
    refresh(small)
    before = kept(small, Policy())
    with small.transaction() as tx:
        tx.execute("UPDATE score SET ifd = NULL, r_ifd = NULL")
        tx.bump()
    assert before
    assert kept(small, Policy()) == []
    refresh(small)
    assert {row["origin"] for row in stored(small)} == {None}


def test_two_scorings_never_mix(small: Store) -> None:
    """Only the scores of the scoring in use count; another student's stay aside until it is chosen."""
    with small.transaction() as tx:
        tx.execute(SCORING, ["s", "second", "aligned"])
        keys = [key for (key,) in tx.execute("SELECT candidate_id FROM candidate ORDER BY ALL")]
        append_scores(tx, 2, ((key, Numbers(0.5, 0.5, 0.5)) for key in keys))
        tx.bump()
    under_first = [read(row) for row in selection.select(small, Policy())]
    assert under_first == rule_oracle.select(CASES, Policy())
    small.set_meta("scoring_id", "2")
    assert {row["winner"] for row in selection.select(small, Policy())} == {"ORIGINAL"}
    small.set_meta("scoring_id", "1")
    assert [read(row) for row in selection.select(small, Policy())] == under_first


def test_putting_a_scoring_in_use_is_logged(small: Store) -> None:
    """The log names the scoring put in use, the one before, and who did it; one that is in use already logs nothing."""
    with small.transaction() as tx:
        tx.execute(SCORING, ["other", "second", "aligned"])
    for number in (1, 2, 2):
        use_scoring(small, number, "ann")
    (event,) = events.events(small, events.EventFilter(kind="scoring"), limit=10)
    context = event.context
    assert event.author == "ann"
    assert (context["scoring_id"], context["student"]) == (2, "other")
    assert (context["before"]["scoring_id"], context["before"]["student"]) == (1, "s")
    with pytest.raises(SRTError):
        use_scoring(small, 9, "ann")
    assert small.meta("scoring_id") == "2"


def test_a_project_without_scores_is_unscored(small: Store) -> None:
    """Before any student has scored, no sample is kept under a policy that compares."""
    small.set_meta("scoring_id", "3")
    assert kept(small, Policy()) == []
    assert "unscored" in {row["reason"] for row in selection.select(small, Policy())}


def test_an_empty_project_selects_nothing(tmp_path: Path) -> None:
    """No samples: no rows and no error."""
    with create_project(tmp_path / "p.duckdb", []) as store:
        assert selection.select(store, Policy(top_share=50)) == []
        selection.apply(store, FREE, "ann")


def test_while_a_store_may_lag_new_scores_wait_but_a_policy_does_not(small: Store) -> None:
    """A refresh passes over new data until it is asked for now, or until the policy changes."""
    refresh(small)
    before = stored(small)
    with small.lagging():
        for policy in (None, replace(FREE, name="free")):
            with small.transaction() as tx:
                tx.execute("UPDATE score SET ifd = ifd / 2")
                tx.bump()
            refresh(small)
            assert stored(small) == before
            if policy:
                selection.apply(small, policy, "ann")
            else:
                refresh(small, now=True)
            assert stored(small) != before
            before = stored(small)
