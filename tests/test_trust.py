"""Agreement, precision and recall are those of a count in plain Python over the log."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srt_core.project.intervals import Share
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin, Policy
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import KINDS, STEP, Evidence, Figures, Group, Trust, margins, suggest, trust
from srt_core.review.trust.audits import Terms
from srt_core.select.policy import applied_policy
from srt_core.select.selection import select
from tests.deciding import Made, create_decided_project, standing
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

OTHER = Policy(name="other", response_margin=0.02, require_response_reflection=False).limited(max_ifd=0.8)
FEW = Policy(name="few", top_share=40.0)
POLICIES = pytest.mark.parametrize("policy", [Policy(), OTHER, FEW], ids=lambda policy: policy.name)
Judged = tuple[Made, Row]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project in which people decided, and of which an audit is half judged."""
    with create_decided_project(tmp_path_factory.mktemp("trust") / "p.srt", 140, seed=5) as store:
        audit = audits.draw(store, Filter(), "all", Terms(bound=0.2), "ann", seed="s")
        for name, key in list(zip(audit.samples, audit.candidates, strict=True))[:6]:
            row = store.rows("SELECT origin FROM candidate WHERE candidate_id = ?", [key])[0]
            decision = Decision(name, Action.APPROVE, "ann", Origin(row["origin"]), candidate_id=key)
            found = decisions.standing(store, name)
            decisions.decide(store, decision, expected_event_id=found.event_id if found else None)
        _tell_kinds(store)
        yield store


def _tell_kinds(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute("INSERT INTO kind SELECT sample_id, ['a', 'b'][1 + seq % 2], 'en', seq % 3 FROM sample")
        tx.execute("INSERT INTO cluster VALUES (0, 'red'), (1, 'green'), (2, 'blue')")


def judged(store: Store, policy: Policy) -> list[Judged]:
    picks = {row["sample_id"]: row for row in select(store, policy)}
    return [(made, picks[name]) for name, made in standing(store).items()]


def is_random(store: Store, made: Made) -> bool:
    drawn = {name for audit in audits.audits(store) for name in audit.samples if made.event_id > audit.event_id}
    return made.sample in drawn or made.context.get("queue") == "audit"


def agrees(one: Judged) -> bool:
    made, pick = one
    return made.outcome == (pick["origin"], pick["candidate_id"])


def share(rows: list[Judged]) -> Share:
    return Share(sum(map(agrees, rows)), len(rows))


def expected(store: Store, rows: list[Judged], source: Evidence) -> Figures:
    drawn = [one for one in rows if source is Evidence.ALL or is_random(store, one[0])]
    of_all = [one for one in rows if source is Evidence.ALL or one[0].context.get("queue") == "audit"]
    return Figures(
        share(of_all),
        share([one for one in drawn if one[1]["origin"]]),
        share([one for one in of_all if one[0].action != "reject"]),
        sum(one[0].action == "edit" for one in drawn),
    )


@POLICIES
@pytest.mark.parametrize("source", list(Evidence))
def test_overall_figures_are_those_of_a_count(store: Store, policy: Policy, source: Evidence) -> None:
    """Agreement, precision, recall and edits are counted over single decisions that stand, at random and all."""
    rows = judged(store, policy)
    found = trust(store, policy).overall[source]
    assert found == expected(store, rows, source)
    assert found.precision.n > 5
    assert found.edits


@POLICIES
def test_margin_bins_are_those_of_a_count(store: Store, policy: Policy) -> None:
    """A bin holds the samples whose distance to the nearest threshold is at least its edge and below the next."""
    rows = judged(store, policy)
    edges = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, float("inf")]
    groups = {group.value: group.sources for group in trust(store, policy).margins}
    for low, high in zip(edges, edges[1:], strict=False):
        held = [one for one in rows if one[1]["closeness"] is not None and _in(one[1]["closeness"], low, high)]
        assert groups[low] == {source: expected(store, held, source) for source in Evidence}
    assert margins(store, policy) == trust(store, policy).margins
    without = [one for one in rows if one[1]["closeness"] is None]
    assert (None in groups) == bool(without)


def _in(closeness: float, low: float, high: float) -> bool:
    return low <= round(closeness, 9) < high


KIND_OF: dict[str, Callable[[Row], object]] = {
    "origin": lambda pick: pick["origin"] or "none",
    "length": lambda pick: "up to 200 characters",
    "task": lambda pick: "ab"[pick["seq"] % 2],
    "language": lambda pick: "en",
    "cluster": lambda pick: ("red", "green", "blue")[pick["seq"] % 3],
}


@POLICIES
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_those_of_a_count(store: Store, policy: Policy, kind: str) -> None:
    """Each group of a kind has its own figures, the largest group first."""
    rows = judged(store, policy)
    groups = trust(store, policy).kinds[kind]
    for group in groups:
        held = [one for one in rows if KIND_OF[kind](one[1]) == group.value]
        assert group.sources == {source: expected(store, held, source) for source in Evidence}
    sizes = [group.sources[Evidence.ALL].agreement.n for group in groups]
    assert sum(sizes) == len(rows)
    assert sizes == sorted(sizes, reverse=True)


def test_a_kind_that_nobody_told_is_not_offered(tmp_path: Path) -> None:
    """Without rows in `kind`, task, language and cluster are missing; origin and length are always known."""
    with create_decided_project(tmp_path / "p.srt", 40, seed=1) as store:
        assert set(trust(store).kinds) == {"origin", "length"}


def test_before_anybody_decided_there_are_no_figures(tmp_path: Path) -> None:
    """Without a decision every share is of nothing, and no threshold is suggested."""
    with create_project(tmp_path / "p.srt", [Case({Origin.ORIGINAL: Numbers(0.5, 0.5)})]) as store:
        found = trust(store)
        assert found.overall[Evidence.ALL] == Figures()
        assert (found.margins, found.kinds, suggest(found, 0.5)) == ([], {}, None)


def test_a_bulk_approval_is_no_evidence(store: Store, tmp_path: Path) -> None:
    """Approving a filter copies the rule and changes no figure."""
    with create_decided_project(tmp_path / "p.srt", 60, seed=2) as fresh:
        before = trust(fresh)
        assert decisions.decide_all(fresh, "true", {}, Action.APPROVE, "ann", "all")
        assert trust(fresh) == before


def test_the_set_is_counted_by_closeness(store: Store) -> None:
    """`reach` counts every sample that has a distance, decided or not, and `samples` all."""
    rows = select(store, OTHER)
    found = trust(store, OTHER)
    assert found.samples == len(rows)
    assert sum(found.reach.values()) == sum(row["closeness"] is not None for row in rows)


@POLICIES
@pytest.mark.parametrize("by_limit", [True, False])
@pytest.mark.parametrize("wanted", [0.2, 0.35, 0.5, 0.99])
def test_a_suggestion_is_the_smallest_threshold_of_the_grid(
    store: Store, policy: Policy, by_limit: bool, wanted: float
) -> None:
    """Of every threshold on the grid it is the first from which on agreement reaches what is wanted."""
    rows = judged(store, policy)
    picks = [row["closeness"] for row in select(store, policy)]
    expected_at = None
    for step in range(250):
        at = step * STEP
        held = share([one for one in rows if _far(one[1]["closeness"], at)])
        exact = held.exact()
        reached = (exact.low if exact else -1.0) if by_limit else (held.hits / held.n if held.n else -1.0)
        if reached >= wanted:
            expected_at = (at, held, sum(_far(closeness, at) for closeness in picks))
            break
    found = suggest(trust(store, policy), wanted, by_limit=by_limit)
    assert (found and (found.closeness, found.agreement, found.covers)) == expected_at


def _far(closeness: float | None, at: float) -> bool:
    return closeness is not None and closeness >= at - 1e-9


def test_a_suggestion_says_how_sure_it_is() -> None:
    """Its interval is the exact one of the decisions from the threshold on."""
    far = {source: Figures(Share(95, 100)) for source in Evidence}
    near = {source: Figures(Share(20, 50)) for source in Evidence}
    found = suggest(Trust(far, [], {}, 1000, {40: far, 15: near}, {40: 600, 2: 400}), 0.85)
    assert found
    assert found.closeness == pytest.approx(0.08)
    assert (found.covers, found.interval) == (600, Share(95, 100).exact())


def test_looking_changes_nothing(store: Store) -> None:
    """Figures under another policy leave the applied one and the selection as they were."""
    before = store.rows("SELECT * FROM selection ORDER BY seq")
    trust(store, OTHER.limited(max_r_ifd=0.7))
    assert store.rows("SELECT * FROM selection ORDER BY seq") == before
    assert applied_policy(store) == Policy()
    assert isinstance(trust(store).margins[0], Group)
