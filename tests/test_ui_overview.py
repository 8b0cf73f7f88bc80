"""The Overview, the frame of every page and what the server holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from srt_core.errors import ProjectError
from srt_core.methods import MEASURES, METHODS, PRESETS
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.status import status
from srt_core.select.selection import apply
from srt_core.ui.overview.glossary import TERMS
from srt_core.ui.overview.page import next_step
from srt_core.ui.server.runtime import Project, create_project, open_project, project_paths
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project as create_ruled
from tests.screens import desk_of, links, open_screen, served, words

CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(None, None)}),
    Case({Origin.ORIGINAL: Numbers(0.5, 0.5)}, failed=frozenset({Origin.RESPONSE})),
]


@pytest.fixture
def ruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on a project of three samples: one kept, one without a score, one whose reflection failed."""
    path = tmp_path / "ruled.srt"
    create_ruled(path, CASES).close()
    with served(monkeypatch, path) as project:
        yield project


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on an empty project."""
    with served(monkeypatch, tmp_path / "empty.srt") as project:
        yield project


def counts(samples: int, reflected: int, decided: int) -> dict[str, Any]:
    return {"samples": samples, "reflected": reflected, "decided": decided, "selected": {"total": samples}}


@pytest.mark.parametrize(
    ("found", "unscored", "running", "label"),
    [
        (counts(0, 0, 0), 0, [], "Import pairs"),
        (counts(9, 0, 0), 9, [], "Reflect"),
        (counts(9, 9, 0), 5, [], "Score"),
        (counts(9, 9, 8), 0, [], "Review samples"),
        (counts(9, 9, 9), 0, [], "Export"),
        (counts(9, 9, 0), 5, ["score"], "Explore"),
    ],
)
def test_the_next_step_follows_the_state(found: dict[str, Any], unscored: int, running: list[str], label: str) -> None:
    """The next best action is the first step of the way that is not done, and reading while one is under way."""
    assert next_step(found, unscored, running, METHODS["selective_reflection"]).label == label


@pytest.mark.parametrize(
    ("method", "label"),
    [("selective_reflection", "Reflect"), ("cherry", "Score"), ("reflection_tuning", "Reflect")],
)
def test_the_next_step_asks_for_what_the_method_needs(method: str, label: str) -> None:
    """A method without a teacher goes from import to scores, one without a student asks for none."""
    found = counts(samples=3, reflected=0, decided=0)
    assert next_step(found, 3, [], METHODS[method]).label == label
    reflected = counts(samples=3, reflected=3, decided=0)
    assert (next_step(reflected, 3, [], METHODS[method]).label == "Score") == METHODS[method].needs_student


def test_the_funnel_counts_as_status_does(ruled: Project) -> None:
    """The six numbers of the funnel are those of status."""
    found = status(ruled.store)
    shown = {metric.label: metric.value for metric in open_screen().metric}
    assert shown == {
        "Imported": "3",
        "Reflected": str(found["reflected"]),
        "Scored": str(found["scored_samples"]),
        "Selected": str(found["selected"]["total"]),
        "Reviewed": "0",
        "Exported": "0",
    }
    assert (found["reflected"], found["scored_samples"], found["selected"]["total"]) == (2, 2, 1)


def test_failures_link_to_their_rows(ruled: Project) -> None:
    """What failed is a number that opens the rows behind it, in the same project."""
    found = links(open_screen(project=ruled.name))
    assert "problem=failed+reflection" in found["1 reflection failed"]
    assert "problem=without+a+score" in found["1 sample lacks a score"]
    assert "project=ruled" in found["1 sample lacks a score"]


@pytest.mark.parametrize(
    ("preset", "steps", "looks"),
    [
        ("selective-code", {"Reflected", "Scored"}, {"1 reflection failed", "1 sample lacks a score"}),
        ("reflection-tuning-v1", {"Reflected"}, {"1 reflection failed"}),
        ("cherry", {"Scored"}, {"1 sample lacks a score"}),
    ],
)
def test_only_what_the_method_needs_is_said(ruled: Project, preset: str, steps: set[str], looks: set[str]) -> None:
    """What a method does not need of teacher or student is neither a step nor a failure."""
    apply(ruled.store, PRESETS[preset], "ann")
    app = open_screen(project=ruled.name)
    assert {metric.label for metric in app.metric} & {"Reflected", "Scored"} == steps
    assert {label for label in links(app) if "failed" in label or "lack" in label} == looks


def test_review_begins_where_something_waits(ruled: Project) -> None:
    """From the next step of a project of which nothing is scored, Review opens on a sample, and not an empty queue."""
    with ruled.store.transaction() as tx:
        tx.execute("DELETE FROM score")
        tx.bump()
    apply(ruled.store, PRESETS["reflection-tuning-v1"], "ann")
    app = open_screen(project=ruled.name)
    assert app.button(key="next_step").label == "Review samples"
    app.button(key="next_step").click().run()
    assert desk_of(app)["queue"] == "all"
    assert desk_of(app)["place"]["open"] == 3


def test_an_empty_project_asks_for_a_file(empty: Project) -> None:
    """A project without samples shows no funnel, and the way to import."""
    app = open_screen(project=empty.name)
    assert "Nothing is imported yet" in words(app)
    assert not app.metric
    assert app.button(key="next_step").label == "Import pairs"


def test_a_created_project_is_opened(empty: Project) -> None:
    """Creating a project makes its file and opens it; the one that was open stays as it is."""
    app = open_screen(project=empty.name)
    app.text_input(key="new_project").set_value("Second one")
    app.button(key="create").click().run()
    assert app.session_state["project"] == "Second one"
    assert list(project_paths()) == ["empty", "Second one"]
    assert "Nothing is imported yet" in words(app)


@pytest.mark.parametrize("name", ["", "../x", "a/b", " a", "demo", "empty", "a\nb"])
def test_a_name_that_cannot_be_used_is_refused(empty: Project, name: str) -> None:
    """A project's name is neither taken, nor a path, nor empty."""
    with pytest.raises(ProjectError):
        create_project(name)
    assert list(project_paths()) == [empty.name]


def test_a_taken_name_is_told(empty: Project) -> None:
    """A refusal of the form is shown on the page, once."""
    app = open_screen(project=empty.name)
    app.text_input(key="new_project").set_value("empty")
    app.button(key="create").click().run()
    assert "There is a project empty already." in words(app)
    assert "There is a project empty already." not in words(app.run())


@pytest.mark.parametrize("page", ["app.py", "pages/1_Import.py", "pages/2_Reflect.py", "pages/3_Score.py"])
def test_an_unknown_project_is_told(empty: Project, page: str) -> None:
    """An address that names no project says so and what to do, whatever its name holds."""
    app = open_screen(page, project="![x](http://evil.test)")
    assert "There is no project ![x](http://evil.test)." in [text.value for text in app.text]
    assert "evil" not in "".join(each.value for each in app.markdown)


def test_a_project_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no project is named on the page, with what to do."""
    path = tmp_path / "letter.srt"
    path.write_text("Dear project, " * 400)
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    st.cache_resource.clear()
    assert "letter.srt is not a project." in words(open_screen())


@pytest.mark.parametrize("page", ["pages/2_Reflect.py", "pages/3_Score.py"])
def test_a_step_without_samples_leads_to_import(empty: Project, page: str) -> None:
    """A step that has nothing to work on shows the way to Import."""
    assert "Import pairs" in links(open_screen(page, project=empty.name))


def test_a_cleared_cache_closes_the_project(empty: Project) -> None:
    """Clearing the cache closes the file, so that it is opened once again and not twice."""
    path = empty.store.path
    st.cache_resource.clear()
    again = open_project(path)
    assert again is not empty
    assert again.store.value("SELECT 1") == 1
    st.cache_resource.clear()
    Store.open(path).close()


def test_only_the_demo_is_explained(empty: Project) -> None:
    """A project of one's own is not called the demo."""
    assert "demo project" not in words(open_screen(project=empty.name))


def test_the_glossary_has_an_example_of_each_term(empty: Project) -> None:
    """Each term, every number among them, stands there once, with what it means and an example."""
    app = open_screen("pages/11_Glossary.py", project=empty.name)
    names = [term.name for terms in TERMS.values() for term in terms]
    assert len(names) == len(set(names))
    assert {measure.label for measure in MEASURES.values()} <= set(names)
    shown = [table.value for table in app.table]
    assert [name for table in shown for name in table["Term"]] == names
    assert all(table[column].str.len().gt(0).all() for table in shown for column in ("Meaning", "Example"))
    assert not any("–" in set(table["Example"]) for table in shown)


def test_the_tour_goes_on_until_it_is_ended(empty: Project) -> None:
    """A page that is asked for by an older address keeps the step; ending the tour takes it away for good."""
    app = open_screen("pages/1_Import.py", project=empty.name, tour="on")
    assert "1 of 6." in words(app)
    del app.query_params["tour"]
    app.run()
    assert "1 of 6." in words(app)
    assert "on" in app.query_params["tour"]
    app.button(key="tour_end").click().run()
    assert "1 of 6." not in words(app)
    assert "tour" not in app.query_params
    app.run()
    assert "1 of 6." not in words(app)
