"""What a policy keeps of each kind, counted apart in Python; and every facet of a filter likewise."""

import random
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin, Policy
from srt_core.review import decisions
from srt_core.review.filter import facets
from srt_core.review.filter.facets import choices
from srt_core.review.filter.filter import Filter, is_empty, membership
from srt_core.select.compare import coverage
from srt_core.select.compare.coverage import GROUPINGS, LEAST_SAMPLES, Covered, band_of
from srt_core.select.selection import select
from tests.browsing import sample_ids
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

DRAW = random.Random(5)
SAMPLES = 240
TASKS = ["code", "mathematics", "open question", "other"]
POLICY = Policy(name="other", require_response_reflection=False).limited(max_ifd=None, max_r_ifd=None)


def case(place: int) -> Case:
    """Two versions with numbers; the rule seldom keeps what is code."""
    worse = 0.6 if task_of(place) == "code" else 0.0
    original, response = (Numbers(DRAW.random() * 1.2, DRAW.random()) for _ in range(2))
    better = Numbers(response.ifd, (response.r_ifd or 0) + worse)
    failed = frozenset({Origin.INSTRUCTION}) if place % 5 == 0 else frozenset()
    return Case({Origin.ORIGINAL: original, Origin.RESPONSE: better}, failed)


def task_of(place: int) -> str:
    return TASKS[place % 3] if place < SAMPLES - 6 else "other"


def fill(path: Path) -> Store:
    """240 samples: tasks in turn and six of another, every fourth German, two groups, the last ten without a kind."""
    store = create_project(path, [case(place) for place in range(SAMPLES)])
    with store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = repeat('ab', candidate_id % 700)")
        tx.execute("UPDATE candidate SET producer = 'of, \"file\"' WHERE origin = 'RESPONSE' AND candidate_id % 3 = 0")
        tx.execute("UPDATE reflection SET reason = 'cut_off' WHERE status <> 'accepted'")
        tx.execute("UPDATE score SET status = 'truncated' WHERE candidate_id % 11 = 0")
        tx.execute("DELETE FROM score WHERE candidate_id % 13 = 0")
        tx.execute("INSERT INTO import (path, sha256, format, options) VALUES ('a/one.json', '', '', '{}')")
        tx.execute("UPDATE sample SET import_id = 2 WHERE seq > 100")
        tx.append("kind", ["sample_id", "task", "language", "cluster"], [
            (f"s{place}", task_of(place), "de" if place % 4 == 0 else "en", place % 2) for place in range(SAMPLES - 10)
        ])  # fmt: skip
        tx.append("cluster", ["cluster", "words"], [(0, "even"), (1, "odd")])
        tx.bump()
    for name, author in (("s1", "ann"), ("s4", "bob, jr"), ("s9", "ann")):
        decisions.decide(store, Decision(name, Action.REJECT, author), expected_event_id=None)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A project that tests only look at."""
    with fill(tmp_path_factory.mktemp("coverage") / "p.srt") as store:
        yield store


def kind_by(grouping: str, row: Row, kinds: dict[str, Row]) -> str | None:
    """The kind of a sample, found without the database's help."""
    if grouping == "length":
        bounds = [0, 51, 201, 501, 1001, 2001]
        return str(max(low for low in bounds if low <= row["original_characters"]))
    found = kinds.get(row["sample_id"])
    return None if found is None else str(found[grouping])


def counted(store: Store, grouping: str, policy: Policy) -> dict[str | None, tuple[int, int]]:
    kinds = {row["sample_id"]: row for row in store.rows("SELECT * FROM kind")}
    lengths = {row["sample_id"]: row for row in store.rows("SELECT * FROM panel")}
    found: dict[str | None, tuple[int, int]] = {}
    for row in select(store, policy):
        kind = kind_by(grouping, lengths[row["sample_id"]], kinds)
        samples, kept = found.get(kind, (0, 0))
        found[kind] = samples + 1, kept + (row["origin"] is not None)
    return found


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_coverage_is_what_counting_by_hand_gives(store: Store, grouping: str) -> None:
    """Of each kind samples and those kept, under the policy in use and one beside it; together they are the whole."""
    found = coverage.coverage(store, grouping, POLICY)
    assert {kind.kind: (kind.samples, kind.kept) for kind in found.kinds} == counted(store, grouping, Policy())
    assert {kind.kind: (kind.samples, kind.beside) for kind in found.kinds} == counted(store, grouping, POLICY)
    assert found.whole.samples == sum(kind.samples for kind in found.kinds) == SAMPLES
    assert found.whole.kept == sum(kind.kept for kind in found.kinds)


def test_kinds_far_from_the_whole_come_first(store: Store) -> None:
    """By distance of the share kept; those of few samples and what has no kind yet come last, never pointed out."""
    found = coverage.coverage(store, "task")
    assert [kind.kind for kind in found.kinds][-2:] == [None] or found.kinds[-1].kind is None
    many = [kind for kind in found.kinds if kind.kind is not None and kind.samples >= LEAST_SAMPLES]
    apart = [abs(kind.share - found.whole.share) for kind in many]
    assert list(found.kinds[: len(many)]) == many
    assert apart == sorted(apart, reverse=True)
    assert [kind.kind for kind in found.thin] == ["code"]
    assert coverage.coverage(store, "task").whole.beside is None


def test_nothing_is_pointed_out_where_nothing_is_kept() -> None:
    """A policy that keeps nothing keeps no kind less than the rest."""
    nothing = coverage.Coverage(Covered(None, 50, 0), (Covered("code", 50, 0),))
    assert nothing.thin == ()
    assert Covered("code", 0, 0).share == 0


def test_bands_of_length_follow_each_other() -> None:
    """Every length is in one band; the last has no end."""
    bands = [band_of(kind) for kind in ("0", "51", "201", "501", "1001", "2001")]
    assert bands[-1] == (2001, None)
    assert all(one[1] is not None and one[1] + 1 == other[0] for one, other in zip(bands, bands[1:], strict=False))


def test_an_unknown_grouping_is_refused(store: Store) -> None:
    """What cannot be grouped by is said."""
    with pytest.raises(SRTError):
        coverage.coverage(store, "colour")


Test = Callable[[int, Row], bool]
"""Whether a sample (place, row of the panel with the winner) belongs to a filter."""


def has_ok(place: int) -> bool:
    """Whether one of the two versions of a sample has an ordinary score."""
    return any(candidate % 11 and candidate % 13 for candidate in (2 * place + 1, 2 * place + 2))


FACETS: list[tuple[Filter, Test]] = [
    (Filter(task=("code", "other")), lambda p, r: p < SAMPLES - 10 and task_of(p) in ("code", "other")),
    (Filter(language=("de",)), lambda p, r: p < SAMPLES - 10 and p % 4 == 0),
    (Filter(cluster=("1",)), lambda p, r: p < SAMPLES - 10 and p % 2 == 1),
    (Filter(characters=(100, 500)), lambda p, r: 100 <= r["original_characters"] <= 500),
    (Filter(winner_characters=(0, 300)), lambda p, r: r[f"{r['winner'].lower()}_characters"] <= 300),
    (Filter(producer=('of, "file"',)), lambda p, r: (2 * p + 2) % 3 == 0),
    (Filter(author=("bob, jr",)), lambda p, r: p == 4),
    (Filter(author=("ann", "bob, jr")), lambda p, r: p in (1, 4, 9)),
    (Filter(decided=(date(2000, 1, 1), None)), lambda p, r: p in (1, 4, 9)),
    (Filter(decided=(None, date(9000, 1, 1))), lambda p, r: p in (1, 4, 9)),
    (Filter(decided=(None, date(2000, 1, 1))), lambda p, r: False),
    (Filter(score=("truncated",)), lambda p, r: any(c % 11 == 0 and c % 13 for c in (2 * p + 1, 2 * p + 2))),
    (Filter(score=("not scored",)), lambda p, r: any(c % 13 == 0 for c in (2 * p + 1, 2 * p + 2))),
    (
        Filter(score=("not scored", "truncated")),
        lambda p, r: any(c % 13 == 0 or c % 11 == 0 for c in (2 * p + 1, 2 * p + 2)),
    ),
    (Filter(failure=("cut_off",)), lambda p, r: p % 5 == 0),
    (Filter(imported=("2",)), lambda p, r: p >= 100),
    (
        Filter(task=("code",), language=("de",), imported=("1",)),
        lambda p, r: task_of(p) == "code" and p % 4 == 0 and p < 100,
    ),
    (Filter(text="abab", score=("ok",), cluster=("0",)), lambda p, r: p < SAMPLES - 10 and p % 2 == 0 and has_ok(p)),
]


@pytest.mark.parametrize(("only", "belongs"), FACETS, ids=range(len(FACETS)))
def test_a_facet_takes_what_it_says(store: Store, only: Filter, belongs: Test) -> None:
    """A filter takes the samples that counting by hand takes, alone and joined with others."""
    rows = store.rows("SELECT * FROM panel JOIN (SELECT seq, winner FROM selection) USING (seq)")
    expected = {row["sample_id"] for row in rows if belongs(int(row["sample_id"][1:]), row)}
    assert set(sample_ids(store, only, "number", SAMPLES)) == expected
    assert facets.count(store, only) == len(expected)
    assert not is_empty(only)


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REJECT, Action.PARK])
def test_all_of_a_facet_are_decided_and_undone_as_one(tmp_path: Path, action: Action) -> None:
    """A bulk action on a filter of several facets decides what was counted, and one undo takes it back."""
    only = Filter(task=("code", "mathematics"), score=("ok",), imported=("1",), characters=(0, 10_000))
    with fill(tmp_path / "p.srt") as store:
        waiting = facets.count_undecided(store, only)
        before = store.rows("SELECT * FROM standing ORDER BY seq")
        where, values = membership(store, only)
        done = decisions.decide_all(store, where, values, action, "ann", "test")
        assert 0 < done == (waiting.picks if action is Action.APPROVE else waiting.samples)
        assert decisions.undo_action(store, events.events(store, events.EventFilter(), 1)[0].action_id, "ann") == done
        assert store.rows("SELECT * FROM standing ORDER BY seq") == before


def test_what_somebody_parked_can_be_decided_at_once(tmp_path: Path) -> None:
    """A bulk action on the samples that one person parked takes theirs, and is by whoever did it."""
    with fill(tmp_path / "p.srt") as store:
        for name, by in (("s1", "bo"), ("s2", "cy")):
            stands = decisions.standing(store, name)
            decision = Decision(name, Action.PARK, by)
            decisions.decide(store, decision, expected_event_id=stands.event_id if stands else None)
        where, values = membership(store, Filter(author=("bo",), state=("parked",)))
        assert decisions.decide_all(store, where, values, Action.REJECT, "ann", "parked by bo") == 1
        now = decisions.standing(store, "s1")
        assert now and (now.action, now.author) == (Action.REJECT, "ann")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("language", ["en", "de"]),
        ("cluster", ["0", "1"]),
        ("producer", ['of, "file"', "test"]),
        ("author", ["ann", "bob, jr"]),
        ("failure", ["cut_off"]),
        ("imported", ["1"]),
    ],
)
def test_the_values_to_choose_from_are_those_there_are(store: Store, name: str, values: list[str]) -> None:
    """A facet offers what the project holds, with what is said of a subject or a file."""
    found = choices(store, name)
    assert list(found) == values
    assert found.get("0", "even") == "even"


@pytest.mark.parametrize("only", [Filter(score=("lost",)), Filter(cluster=("x",)), Filter(imported=("1; DROP",))])
def test_a_facet_that_cannot_be_is_refused(store: Store, only: Filter) -> None:
    """What is no status and no number is said, and never reaches the database."""
    with pytest.raises(SRTError):
        facets.count(store, only)


def test_a_density_of_any_two_measures_counts_the_winners(store: Store) -> None:
    """Each sample with both numbers counts once; an unknown measure is refused."""
    edges = [place / 10 for place in range(13)]
    rows = select(store, Policy())
    expected = sum(row["winner_ifd"] is not None and row["winner_r_ifd"] is not None for row in rows)
    assert sum(map(sum, facets.count_in_grid(store, edges, [0, 2], Filter(), "ifd", "r_ifd"))) == expected
    assert sum(map(sum, facets.count_in_grid(store, edges, edges, Filter(), "drift", "growth"))) == 0
    with pytest.raises(SRTError):
        facets.count_in_grid(store, edges, edges, Filter(), "ifd", "luck")
