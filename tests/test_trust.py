"""The figures of Trust are those of a count in plain Python: random blind reads, and apart what people chose."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from srt_core.project.store import Row, Store
from srt_core.records import Action, Origin, Policy
from srt_core.review import decisions
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import KINDS, Evidence, Figures, Group, margins, trust
from srt_core.review.trust.audits import Population
from srt_core.review.trust.audits.evidence import drawn
from srt_core.review.trust.claims import STEP, Far, suggest
from srt_core.review.trust.readings import Outcome, Reads, count, outcome
from srt_core.select.policy import applied_policy
from srt_core.select.selection import select
from tests.blind_reading import read_one, versions_of
from tests.deciding import create_decided_project, standing
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

OTHER = Policy(name="other", response_margin=0.02, require_response_reflection=False).limited(max_ifd=0.8)
FEW = Policy(name="few", top_share=40.0)
POLICIES = pytest.mark.parametrize("policy", [Policy(), OTHER, FEW], ids=lambda policy: policy.name)
Judged = tuple[Row, Outcome]
"""What the rule says of a sample, and its outcome."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project in which people decided, and of which an audit of all is read but for a few."""
    with create_decided_project(tmp_path_factory.mktemp("trust") / "p.srt", 140, seed=5) as store:
        audit = audits.draw(store, Population(), "all", 70, "ann", seed="s")
        for place, name in enumerate(audit.samples[:64]):
            read_one(store, audit, name, versions_of(store, name)[: place % 3])
        with store.transaction() as tx:
            tx.execute("INSERT INTO kind SELECT sample_id, ['a', 'b'][1 + seq % 2], 'en', seq % 3 FROM sample")
            tx.execute("INSERT INTO cluster VALUES (0, 'red'), (1, 'green'), (2, 'blue')")
        yield store


def judged(store: Store, policy: Policy, source: Evidence) -> list[Judged]:
    """Each sample that counts, with its outcome, in the order of the draw."""
    picks = {row["sample_id"]: row for row in select(store, policy)}
    if source is Evidence.RANDOM:
        found = drawn(store, audits.find_audit(store, None))
        return [(picks[each.sample_id], outcome(each.reading, picks[each.sample_id]["candidate_id"])) for each in found]
    return [
        (picks[name], Outcome.RIGHT if made.action != "edit" and made.outcome == _of(picks[name]) else Outcome.WRONG)
        for name, made in standing(store).items()
    ]


def _of(pick: Row) -> tuple[str | None, int | None]:
    return pick["origin"], pick["candidate_id"]


def figures(rows: Sequence[Judged]) -> Figures:
    kept = [outcome for pick, outcome in rows if pick["origin"]]
    left_out = [outcome for pick, outcome in rows if not pick["origin"]]
    return Figures(count(outcome for _, outcome in rows), count(kept), count(left_out))


@POLICIES
@pytest.mark.parametrize("source", list(Evidence))
def test_overall_figures_are_those_of_a_count(store: Store, policy: Policy, source: Evidence) -> None:
    """In all, of what is kept and of what is left out: right, wrong and open."""
    found = trust(store, policy).overall[source]
    assert found == figures(judged(store, policy, source))
    assert found.kept.right
    assert found.left_out.wrong
    assert (found.of_all.open > 0) == (source is Evidence.RANDOM)


@POLICIES
def test_margin_bins_are_those_of_a_count(store: Store, policy: Policy) -> None:
    """A bin holds the samples whose distance to the nearest limit is at least its edge and below the next."""
    rows = {source: judged(store, policy, source) for source in Evidence}
    edges = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, float("inf")]
    groups = {group.value: group.sources for group in trust(store, policy).margins}
    for low, high in zip(edges, edges[1:], strict=False):
        held = {
            source: [
                one for one in each if one[0]["closeness"] is not None and low <= round(one[0]["closeness"], 9) < high
            ]
            for source, each in rows.items()
        }  # fmt: skip
        assert groups[low] == {source: figures(each) for source, each in held.items()}
    alone = {group.value: group.sources[Evidence.RANDOM].of_all for group in margins(store, policy)[1]}
    assert alone == {value: sources[Evidence.RANDOM].of_all for value, sources in groups.items() if value in alone}


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
    rows = {source: judged(store, policy, source) for source in Evidence}
    groups = trust(store, policy).kinds[kind]
    for group in groups:
        assert group.sources == {
            source: figures([one for one in each if KIND_OF[kind](one[0]) == group.value])
            for source, each in rows.items()
        }
    sizes = [sum(each.of_all.drawn for each in group.sources.values()) for group in groups]
    assert sum(sizes) == sum(map(len, rows.values()))
    assert sizes == sorted(sizes, reverse=True)


def test_a_kind_that_nobody_told_is_not_offered(tmp_path: Path) -> None:
    """Without rows in `kind`, task, language and cluster are missing; origin and length are always known."""
    with create_decided_project(tmp_path / "p.srt", 40, seed=1) as store:
        assert set(trust(store).kinds) == {"origin", "length"}


def test_before_anybody_read_or_decided_there_are_no_figures(tmp_path: Path) -> None:
    """Without a read nothing is claimed and nothing suggested, whatever people decided."""
    with create_project(tmp_path / "p.srt", [Case({Origin.ORIGINAL: Numbers(0.5, 0.5)})]) as store:
        found = trust(store)
        assert found.overall == dict.fromkeys(Evidence, Figures())
        assert (found.audit, found.margins, found.kinds, found.suggest(0.5)) == (None, [], {}, None)
        assert found.claim(Reads()).interval is None


def test_a_bulk_action_is_no_evidence(tmp_path: Path) -> None:
    """Approving a filter copies the rule and changes no figure of either kind."""
    with create_decided_project(tmp_path / "p.srt", 60, seed=2) as fresh:
        audit = audits.draw(fresh, Population(), "all", 30, "ann")
        for name in audit.samples[:20]:
            read_one(fresh, audit, name, versions_of(fresh, name)[:1])
        before = trust(fresh)
        assert decisions.decide_all(fresh, "true", {}, Action.APPROVE, "ann", "all")
        assert trust(fresh) == before


@POLICIES
@pytest.mark.parametrize("wanted", [0.2, 0.35, 0.5, 0.99])
def test_the_suggestion_is_of_the_random_reads(store: Store, policy: Policy, wanted: float) -> None:
    """The reads go into it in the order of the draw; what it covers is counted over the set."""
    rows = judged(store, policy, Evidence.RANDOM)
    found = trust(store, policy)
    best = found.suggest(wanted)
    assert best == suggest([Far(pick["closeness"], outcome) for pick, outcome in rows], wanted, 140)
    if best:
        picks = [row["closeness"] for row in select(store, policy)]
        assert found.covers(best) == sum(each is not None and each >= best.closeness - 1e-9 for each in picks)
        assert best.closeness % STEP == pytest.approx(0, abs=1e-9) or best.closeness % STEP == pytest.approx(STEP)


def test_looking_changes_nothing(store: Store) -> None:
    """Figures under another policy leave the applied one and the selection as they were."""
    before = store.rows("SELECT * FROM selection ORDER BY seq")
    trust(store, OTHER.limited(max_r_ifd=0.7))
    assert store.rows("SELECT * FROM selection ORDER BY seq") == before
    assert applied_policy(store) == Policy()
    assert isinstance(trust(store).margins[0], Group)
