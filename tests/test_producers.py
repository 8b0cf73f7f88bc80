"""Rewrites of several teachers live side by side, the policy says whose it takes, and a decision keeps its text."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.errors import DecisionError, PolicyError
from srt_core.export.contents import Scope
from srt_core.importing.run import import_file
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.drift import drift, growth
from srt_core.project.store import Store
from srt_core.records import Acceptance, Action, Decision, Origin, Pair, Policy, Stage
from srt_core.reflect.producers import producers, register_producer, rewriters
from srt_core.review import decisions
from srt_core.review.filter import facets
from srt_core.review.filter.filter import Filter
from srt_core.review.status import status
from srt_core.review.verdicts import read_verdict
from srt_core.select import selection
from srt_core.select.compare.whatif import changes, compare, gains, spread
from srt_core.select.derive import refresh
from srt_core.select.policy import change, with_settings
from tests.empty_project import create_empty
from tests.exporting import export_one
from tests.rule_oracle import Numbers
from tests.rule_project import SCORING, append_scores
from tests.small_project import COLUMN_MAP, rows_with_candidates, write_lines

FILE = "import of some.json"
ALWAYS = Policy(
    accept_instruction=Acceptance.ALWAYS, accept_response=Acceptance.ALWAYS, require_response_reflection=False
).limited(max_ifd=None, max_r_ifd=None)
COLUMNS = ("sample_id", "import_id", "row", "extra")


def pair(text: str) -> Pair:
    return Pair(f"Name the {text}.", f"The {text} it is.")


class Desk:
    """A project of samples without rewrites, and what tests do with it."""

    def __init__(self, store: Store, number: int) -> None:
        self.store = store
        self.samples = [f"s{place}" for place in range(number)]
        with store.transaction() as tx:
            tx.append("sample", COLUMNS, [(name, 1, 0, "{}") for name in self.samples])
            append_candidates(tx, [NewCandidate(name, Origin.ORIGINAL, FILE, pair(name)) for name in self.samples])
            tx.bump()

    def teacher(self, name: str) -> str:
        return register_producer(self.store, name, "1", f"hash of {name}", "{}")

    def add(self, origin: Origin, producer: str, sample: str = "s0", parent: int | None = None) -> int:
        """Store a rewrite whose texts name its producer and origin; returns its id."""
        with self.store.transaction() as tx:
            text = pair(f"{origin} of {producer}")
            assert append_candidates(tx, [NewCandidate(sample, origin, producer, text, parent)]) == 1
            tx.bump()
        sql = "SELECT candidate_id FROM candidate WHERE sample_id = ? AND origin = ? AND producer = ?"
        return int(self.store.value(sql, [sample, str(origin), producer]))

    def ids(self, producer: str = "", sample: str = "s0") -> dict[Origin, int]:
        """The panel's rewrites of a sample under a policy for a producer, which is applied for it."""
        selection.apply(self.store, replace(ALWAYS, producer=producer), "ann")
        verdict = read_verdict(self.store, sample)
        assert verdict
        found = {origin: key for origin, key in verdict.takes.items() if key is not None}
        row = self.store.rows("FROM panel WHERE sample_id = ?", [sample])[0]
        assert found == selection.candidates_taken(self.store, replace(ALWAYS, producer=producer), sample)
        assert {origin for origin in list(Origin)[1:] if row[f"has_{origin.lower()}"]} == {*found} - {Origin.ORIGINAL}
        return {origin: key for origin, key in found.items() if origin is not Origin.ORIGINAL}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Two samples and nothing else."""
    with create_empty(tmp_path / "p.srt") as store:
        yield Desk(store, 2)


# Producers


def test_a_producer_is_a_teacher_with_a_version_of_the_prompts(desk: Desk) -> None:
    """The same teacher and prompts are one producer; other texts under the same version get a name of their own."""
    first = register_producer(desk.store, "gpt", "2", "abcdefgh", "texts")
    assert first == "gpt, prompts 2"
    assert register_producer(desk.store, "gpt", "2", "abcdefgh", "texts") == first
    assert register_producer(desk.store, "gpt", "3", "abcdefgh", "texts") == "gpt, prompts 3"
    other = register_producer(desk.store, "gpt", "2", "12345678", "others")
    assert other == "gpt, prompts 2 (123456)"
    assert register_producer(desk.store, "gpt", "2", "12345678", "others") == other
    desk.add(Origin.RESPONSE, other)
    listed = {
        row["producer"]: (row["teacher"], row["prompt_version"], row["candidates"]) for row in producers(desk.store)
    }
    assert listed == {first: ("gpt", "2", 0), "gpt, prompts 3": ("gpt", "3", 0), other: ("gpt", "2", 1)}
    assert rewriters(desk.store) == [other]


def test_rewrites_of_two_producers_stand_side_by_side(desk: Desk) -> None:
    """A second producer's rewrite is stored beside the first's; the same producer's and a second original are not."""
    a, b = desk.teacher("a"), desk.teacher("b")
    one, two = desk.add(Origin.RESPONSE, a), desk.add(Origin.RESPONSE, b)
    with desk.store.transaction() as tx:
        again = [NewCandidate("s0", Origin.RESPONSE, a, pair("x")), NewCandidate("s0", Origin.ORIGINAL, b, pair("x"))]
        assert append_candidates(tx, again) == 0
    rows = desk.store.rows("SELECT candidate_id, producer FROM candidate WHERE origin = 'RESPONSE' ORDER BY ALL")
    assert [tuple(row.values()) for row in rows] == [(one, a), (two, b)]
    assert desk.store.value("SELECT count(*) FROM candidate WHERE sample_id = 's0' AND origin = 'ORIGINAL'") == 1


def test_a_rewrite_knows_what_it_rewrote(desk: Desk) -> None:
    """The parent is the one given, else the original, else for BOTH the same producer's INSTRUCTION if it is there."""
    a, b = desk.teacher("a"), desk.teacher("b")
    instruction, response = desk.add(Origin.INSTRUCTION, a), desk.add(Origin.RESPONSE, b)
    own, unknown = desk.add(Origin.BOTH, a), desk.add(Origin.BOTH, FILE)
    given = desk.add(Origin.BOTH, b, parent=instruction)
    rows = desk.store.rows("SELECT candidate_id, parent_id FROM candidate WHERE sample_id = 's0'")
    assert {row["candidate_id"]: row["parent_id"] for row in rows} == {
        1: None, instruction: 1, response: 1, own: instruction, unknown: None, given: instruction,
    }  # fmt: skip


def test_a_rewrite_is_stored_with_its_drift_and_growth(desk: Desk) -> None:
    """Both are those of srt_core.project.drift against the sample's original, and an original has none."""
    desk.add(Origin.INSTRUCTION, desk.teacher("a"))
    rewritten = pair("INSTRUCTION of a, prompts 1")
    row = desk.store.rows("SELECT drift, growth FROM candidate WHERE origin = 'INSTRUCTION'")[0]
    assert row["drift"] == drift(pair("s0"), Origin.INSTRUCTION, rewritten)
    assert row["drift"] > 0
    assert row["growth"] == growth(pair("s0"), rewritten)
    assert desk.store.value("SELECT count(*) FROM candidate WHERE origin = 'ORIGINAL' AND drift IS NULL") == 2


def test_the_same_rewrite_of_another_file_is_no_other_rewrite(tmp_path: Path) -> None:
    """A longer copy of a file under another name adds what is new in it; a rewrite that differs stands beside."""
    rows = rows_with_candidates(4)
    with create_empty(tmp_path / "p.srt") as store:
        for name, part in (("one", rows[:3]), ("two", rows)):
            data = write_lines(tmp_path / f"{name}.jsonl", part)
            list(import_file(store, data, column_map=COLUMN_MAP, author=f"import of {name}"))
        counted = "SELECT producer, count(*) FROM candidate GROUP BY ALL ORDER BY ALL"
        assert [tuple(row.values()) for row in store.rows(counted)] == [("import of one", 12), ("import of two", 4)]
        data = write_lines(tmp_path / "three.jsonl", [{**rows[0], "Better Response": "Another one."}])
        list(import_file(store, data, column_map=COLUMN_MAP, author="import of three"))
        added = store.rows("SELECT origin, drift FROM candidate WHERE producer = 'import of three'")
        assert [row["origin"] for row in added] == ["RESPONSE"]
        drifts = "SELECT count(*) FROM candidate WHERE (drift IS NULL) <> (origin = 'ORIGINAL')"
        assert store.value(drifts) == 0
        parents = """SELECT count(*)
                     FROM candidate AS own JOIN candidate AS parent ON parent.candidate_id = own.parent_id
                     WHERE own.sample_id = parent.sample_id
                       AND parent.origin = if(own.origin = 'BOTH', 'INSTRUCTION', 'ORIGINAL')"""
        assert store.value(parents) == 3 * 4 + 1


# Whose rewrites a policy takes


def test_a_policy_takes_the_producer_that_it_names(desk: Desk) -> None:
    """ "" takes the earliest of each origin, a name its own, and never what another teacher made."""
    a, b = desk.teacher("a"), desk.teacher("b")
    late, first = desk.add(Origin.RESPONSE, b), desk.add(Origin.RESPONSE, a)
    instruction = desk.add(Origin.INSTRUCTION, a)
    assert desk.ids() == {Origin.RESPONSE: late, Origin.INSTRUCTION: instruction}
    assert desk.ids(a) == {Origin.RESPONSE: first, Origin.INSTRUCTION: instruction}
    assert desk.ids(b) == {Origin.RESPONSE: late}
    assert desk.ids(b, "s1") == {}


def test_a_rewrite_that_came_with_a_file_stands_in(desk: Desk) -> None:
    """Where the producer made none, the earliest of a file is taken; its own comes first wherever it has one."""
    of_file, of_other_file = desk.add(Origin.RESPONSE, FILE), desk.add(Origin.RESPONSE, "import of other.json")
    a, b = desk.teacher("a"), desk.teacher("b")
    instruction = desk.add(Origin.INSTRUCTION, a)
    assert desk.ids(a) == {Origin.RESPONSE: of_file, Origin.INSTRUCTION: instruction}
    own = desk.add(Origin.RESPONSE, b)
    assert desk.ids(b) == {Origin.RESPONSE: own}
    assert desk.ids("import of other.json") == {Origin.RESPONSE: of_other_file}


def test_both_follows_the_instruction_that_it_was_made_of(desk: Desk) -> None:
    """BOTH is taken with its own INSTRUCTION alone; one whose parent is not known goes with any."""
    a, b = desk.teacher("a"), desk.teacher("b")
    first, second = desk.add(Origin.INSTRUCTION, a), desk.add(Origin.INSTRUCTION, b)
    made_of_second = desk.add(Origin.BOTH, b)
    assert desk.ids() == {Origin.INSTRUCTION: first}
    made_of_first = desk.add(Origin.BOTH, a)
    assert desk.ids() == {Origin.INSTRUCTION: first, Origin.BOTH: made_of_first}
    assert desk.ids(b) == {Origin.INSTRUCTION: second, Origin.BOTH: made_of_second}
    unknown = desk.add(Origin.BOTH, FILE, "s1")
    instruction = desk.add(Origin.INSTRUCTION, a, "s1")
    assert desk.ids(a, "s1") == {Origin.INSTRUCTION: instruction, Origin.BOTH: unknown}


def test_what_another_policy_would_take_is_asked_without_storing_it(desk: Desk) -> None:
    """The rule under another producer gives the same as with that policy applied, and the stored panel stays."""
    a, b = desk.teacher("a"), desk.teacher("b")
    desk.add(Origin.RESPONSE, a)
    desk.add(Origin.RESPONSE, b)
    desk.add(Origin.RESPONSE, b, "s1")
    of_a, of_b = replace(ALWAYS, producer=a), replace(ALWAYS, producer=b)
    selection.apply(desk.store, of_a, "ann")
    before = desk.store.rows("FROM panel ORDER BY seq")
    asked = selection.select(desk.store, of_b)
    entering = changes(desk.store, of_b, "entering", 9)
    found = compare(desk.store, of_b)
    switching = changes(desk.store, of_b, "switching", 9)
    assert desk.store.rows("FROM panel ORDER BY seq") == before
    selection.apply(desk.store, of_b, "ann")
    assert asked == selection.select(desk.store, of_b)
    assert not entering
    assert (found.changes, found.changed) == ({"entering": 0, "leaving": 0, "switching": 2}, 2)
    assert [each.sample_id for each in switching] == ["s0", "s1"]
    assert [each.candidate_after for each in switching] == [row["candidate_id"] for row in asked]


def test_a_policy_for_a_producer_without_rewrites_is_refused(desk: Desk) -> None:
    """A name that made nothing is an error in plain words, and so is one that is no text."""
    a = desk.teacher("A, of ours")
    desk.add(Origin.RESPONSE, a)
    assert change(Policy(), [f"producer={a}"]).producer == a
    nobody = replace(ALWAYS, producer="nobody")
    for act in (lambda: selection.apply(desk.store, nobody, "ann"), lambda: compare(desk.store, nobody)):
        with pytest.raises(PolicyError, match="nobody"):
            act()
    with pytest.raises(PolicyError, match="producer"):
        with_settings(Policy(), {"producer": 3})


def test_every_producer_counts_as_candidates_and_the_panel_counts_its_own(desk: Desk) -> None:
    """Status counts the scores of all; a sample is scored once the candidates that the policy may take are."""
    a, b = desk.teacher("a"), desk.teacher("b")
    keys = [1, 2, desk.add(Origin.RESPONSE, a)]
    desk.add(Origin.RESPONSE, b)
    with desk.store.transaction() as tx:
        tx.execute(SCORING, ["s", "first", "aligned"])
        append_scores(tx, 1, [(key, Numbers(0.5, 0.5)) for key in keys])
        tx.bump()
    desk.store.set_meta("scoring_id", "1")
    selection.apply(desk.store, replace(ALWAYS, producer=a), "ann")
    found = status(desk.store)
    assert (found["candidates"], found["scored"], found["unscored"], found["scored_samples"]) == (4, 3, 1, 2)
    selection.apply(desk.store, replace(ALWAYS, producer=b), "ann")
    assert status(desk.store)["scored_samples"] == 1


def test_charts_under_the_dials_are_of_the_candidates_that_the_policy_may_take(desk: Desk) -> None:
    """Gains and scores are counted over the dialled producer's rewrites, whichever is applied."""
    a, b = desk.teacher("a"), desk.teacher("b")
    of_a, of_b = desk.add(Origin.RESPONSE, a), desk.add(Origin.RESPONSE, b)
    with desk.store.transaction() as tx:
        tx.execute(SCORING, ["s", "first", "aligned"])
        append_scores(tx, 1, [(1, Numbers(0.5, 0.9)), (of_a, Numbers(0.5, 0.7)), (of_b, Numbers(0.5, 0.4))])
        tx.bump()
    desk.store.set_meta("scoring_id", "1")
    for producer, gain, r_ifd in ((a, 0.2, 0.7), (b, 0.5, 0.4), ("", 0.2, 0.7)):
        policy = replace(ALWAYS, producer=producer)
        edges, counts = gains(desk.store, Stage.RESPONSE, policy, bins=1)
        assert edges[0] - 1e-9 <= gain <= edges[-1] + 1e-9
        assert edges[-1] - edges[0] < 0.11
        assert sum(map(sum, counts.values())) == 1
        edges, counts = spread(desk.store, "r_ifd", policy, bins=1)
        assert edges[0] - 1e-9 <= r_ifd <= edges[-1] + 1e-9
        assert {origin: sum(found) for origin, found in counts.items() if sum(found)} == {
            Origin.ORIGINAL: 1, Origin.RESPONSE: 1,
        }  # fmt: skip


# Decisions keep their text


def decide(desk: Desk, action: Action, origin: Origin | None, candidate_id: int | None = None) -> int:
    refresh(desk.store)
    standing = decisions.standing(desk.store, "s0")
    decision = Decision("s0", action, "ann", origin, candidate_id=candidate_id)
    return decisions.decide(desk.store, decision, expected_event_id=standing.event_id if standing else None)


def test_a_decision_stays_with_its_text_when_the_policy_changes(desk: Desk, tmp_path: Path) -> None:
    """What was approved is exported whoever's rewrites the policy takes later; only open samples follow it."""
    a, b = desk.teacher("a"), desk.teacher("b")
    ids = {(name, who): desk.add(Origin.RESPONSE, who, name) for name in desk.samples for who in (a, b)}
    selection.apply(desk.store, replace(ALWAYS, producer=a), "ann")
    decide(desk, Action.APPROVE, Origin.RESPONSE)
    selection.apply(desk.store, replace(ALWAYS, producer=b), "ann")
    rows = desk.store.rows("SELECT sample_id, candidate_id, verdict_id, verdict_origin FROM verdict ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [
        ("s0", ids["s0", b], ids["s0", a], "RESPONSE"),
        ("s1", ids["s1", b], ids["s1", b], "RESPONSE"),
    ]
    exported = {
        scope: json.loads(
            export_one(desk.store, tmp_path / scope, "alpaca", scope=scope, by="ann").path.read_text("utf-8")
        )
        for scope in Scope
    }
    assert [row["output"] for row in exported[Scope.VERDICTS]] == [
        pair(f"RESPONSE of {who}").response for who in (a, b)
    ]
    assert [row["output"] for row in exported[Scope.APPROVED]] == [pair(f"RESPONSE of {a}").response]
    manifests = {scope: json.loads((tmp_path / scope / "manifest.json").read_text("utf-8")) for scope in Scope}
    teachers = {scope: each["teachers"] for scope, each in manifests.items()}
    assert (teachers[Scope.VERDICTS], teachers[Scope.APPROVED]) == ([a, b], [a])
    scores = export_one(desk.store, tmp_path, "scores", by="ann").path.read_text("utf-8").splitlines()
    assert [(row["producer"], row["selected"]) for row in map(json.loads, scores) if row["origin"] == "RESPONSE"] == [
        (a, False), (b, True), (a, False), (b, True),
    ]  # fmt: skip
    assert facets.count(desk.store, Filter(state=("overridden",))) == 1


def test_a_decision_names_the_candidate_of_the_policy(desk: Desk) -> None:
    """Without a candidate named it is the panel's, by one decision and by many; an edit keeps what it was made of."""
    a, b = desk.teacher("a"), desk.teacher("b")
    desk.add(Origin.RESPONSE, a)
    own = desk.add(Origin.RESPONSE, b)
    selection.apply(desk.store, replace(ALWAYS, producer=b), "ann")
    decide(desk, Action.CHOOSE, Origin.RESPONSE)
    found = decisions.standing(desk.store, "s0")
    assert found and found.candidate_id == own
    decisions.undo(desk.store, found.event_id, "ann")
    edit = Decision("s0", Action.EDIT, "ann", Origin.RESPONSE, pair("edited"))
    event = decisions.decide(desk.store, edit, expected_event_id=None)
    assert desk.store.value("SELECT verdict_id FROM verdict WHERE sample_id = 's0'") == own
    decisions.undo(desk.store, event, "ann")
    assert decisions.decide_all(desk.store, "true", {}, Action.APPROVE, "ann", "all") == 2
    rows = desk.store.rows("SELECT candidate_id, verdict_id FROM verdict")
    assert all(row["candidate_id"] == row["verdict_id"] for row in rows)


def test_a_decision_can_name_another_producers_candidate(desk: Desk) -> None:
    """Any candidate of the sample and origin can be decided for, and no other."""
    a, b, c = (desk.teacher(name) for name in "abc")
    other = desk.add(Origin.RESPONSE, a)
    desk.add(Origin.RESPONSE, b)
    desk.add(Origin.INSTRUCTION, c)
    elsewhere = desk.add(Origin.RESPONSE, a, "s1")
    selection.apply(desk.store, replace(ALWAYS, producer=b), "ann")
    decide(desk, Action.CHOOSE, Origin.RESPONSE, other)
    found = decisions.standing(desk.store, "s0")
    assert found and found.candidate_id == other
    for action, origin, key in (
        (Action.CHOOSE, Origin.RESPONSE, elsewhere),
        (Action.CHOOSE, Origin.INSTRUCTION, other),
        (Action.REJECT, None, other),
        (Action.CHOOSE, Origin.RESPONSE, 999),
    ):
        with pytest.raises(DecisionError, match=f"Version {key} "):
            decide(desk, action, origin, key)
    selection.apply(desk.store, replace(ALWAYS, producer=c), "ann")
    with pytest.raises(DecisionError, match="several RESPONSE"):
        decide(desk, Action.CHOOSE, Origin.RESPONSE)
    with pytest.raises(DecisionError, match="has no BOTH"):
        decide(desk, Action.CHOOSE, Origin.BOTH)
