"""The Methods screen: what the records say, what each would take here, what each selects, and putting one in use."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.methods import METHODS, SELECTING
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.trust.audits.evidence import claims
from srt_core.review.trust.beside import beside
from srt_core.select.compare.overlap import obstacle, overlap
from srt_core.select.policy import applied_policy
from srt_core.select.selection import select
from srt_core.steps.costs import cost_of, steps_of
from srt_core.ui.frame.words import said_of_claim
from srt_core.ui.methods.page import SELECTED
from srt_core.ui.server.runtime import Project
from tests.limits_screen import CASES, read_blind
from tests.rule_project import create_project
from tests.screens import open_screen, served, words

PAGE, SCORE = "pages/14_Methods.py", "pages/3_Score.py"
OWN = [method.policies[0] for method in SELECTING.values()]


def able(store: Store) -> list[Policy]:
    """The methods' own policies that can select here: one may ask for a producer that made nothing yet."""
    return [policy for policy in OWN if not obstacle(store, policy)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on four samples with rewrites and scores, of some of which the task is known."""
    path = tmp_path / "project.srt"
    with create_project(path, CASES) as store, store.transaction() as tx:
        tx.append(
            "kind",
            ["sample_id", "task", "language"],
            [("s0", "code", "en"), ("s1", "code", "en"), ("s2", "lists", "en")],
        )
    with served(monkeypatch, path) as project:
        yield project


def test_the_table_is_what_each_rule_says_alone(project: Project) -> None:
    """Kept, by both and by task, is what the rule gives under each policy by itself; so is what is right."""
    store = project.store
    read_blind(store, s0=[1], s2=[])
    policies = able(store)
    alone = [{row["sample_id"]: row["candidate_id"] for row in select(store, policy)} for policy in policies]
    seqs = {str(row["sample_id"]): int(row["seq"]) for row in store.rows("SELECT sample_id, seq FROM sample")}
    found = overlap(store, policies, [seqs["s2"]])
    assert found.samples == len(CASES)
    for i, j in product(range(len(policies)), repeat=2):
        shared = [name for name in seqs if alone[i][name] is not None and alone[i][name] == alone[j][name]]
        assert found.both[i][j] == len(shared)
    of_code = tuple(sum(each[name] is not None for name in ("s0", "s1")) for each in alone)
    assert (found.kinds["code"].samples, found.kinds["code"].kept) == (2, of_code)
    assert set(found.kinds) == {"code", "lists", ""}
    assert found.picks == {seqs["s2"]: tuple(each["s2"] for each in alone)}
    assert list(beside(store, policies).claims) == [claims(store, policy) for policy in policies]


def test_the_page_shows_the_records_and_puts_a_method_in_use(project: Project) -> None:
    """Every record has its words; the button applies its policy, fills the form of Score, and leads to its steps."""
    store = project.store
    app = open_screen(PAGE)
    said = words(app)
    for method in METHODS.values():
        assert method.summary in said
        assert method.paper in said
        assert all(need in said for need in method.needs)
    assert "**Scoring**: nothing left to do" in said
    assert "time –" in said
    app.button(key="use_superfiltering").click().run()
    assert applied_policy(store) == METHODS["superfiltering"].policies[0]
    assert app.button(key="use_superfiltering").disabled
    app.switch_page(SCORE)
    app.run()
    assert (app.text_input(key="student").value, app.selectbox(key="template").value) == ("gpt2", "plain")


def test_the_page_shows_what_each_selects(project: Project) -> None:
    """Without random reads there is no share that is right; with some it stands beside each method that can select."""
    store = project.store
    app = show_selected()
    table = app.dataframe[0].value
    said = [why or policy.name for policy in OWN for why in [obstacle(store, policy)]]
    assert list(table["Policy"]) == said
    rows = table[table["Keeps"].notna()]
    kept = [sum(row["candidate_id"] is not None for row in select(store, policy)) for policy in able(store)]
    assert list(rows["Keeps"]) == kept
    assert "No random reads yet" in words(app)
    read_blind(store, s0=[1], s2=[])
    app.run()
    found = [claims(store, policy) for policy in able(store)]
    right = app.dataframe[0].value["Right"]
    assert list(right[right.notna()]) == [said_of_claim(each.of_all) for each in found if each]


def show_selected() -> AppTest:
    app = open_screen(PAGE)
    app.session_state["methods_view"] = SELECTED
    app.run()
    assert not app.exception
    return app


def test_what_a_step_takes_is_said_as_far_as_it_is_known(project: Project) -> None:
    """The student in use has nothing left, another has all versions; time comes from a job that did the same."""
    store = project.store
    versions = store.value("SELECT count(*) FROM candidate")
    selective, small = METHODS["selective_reflection"], METHODS["superfiltering"]
    assert steps_of(METHODS["reflection_tuning"]) == ("reflect",)
    found = cost_of(store, "score", selective, {})
    assert found is not None
    assert found.units == versions - store.value("SELECT count(*) FROM score")
    other = cost_of(store, "score", small, {})
    assert other is not None
    assert (other.units, other.seconds) == (versions, None)
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO job (kind, state, arguments, done, started_at, updated_at)
               VALUES ('score', 'done', '{"student": "gpt2"}', 10, '2026-01-01 10:00:00', '2026-01-01 10:00:30')"""
        )
    again = cost_of(store, "score", small, {})
    assert again is not None
    assert again.seconds == 3 * versions
    assert cost_of(store, "no such step", small, {}) is None
