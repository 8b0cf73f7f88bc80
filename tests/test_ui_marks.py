"""Quality marks on the screens: looked for after an import, counted on Explore, a filter, said beside a sample."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.importing.marks import BY_NAME, find_marks, unlooked
from srt_core.importing.run import import_file
from srt_core.review.filter.address import filter_to_address, read_filter
from srt_core.review.filter.facets import count, count_marked
from srt_core.review.filter.filter import Filter
from srt_core.ui.explore.component import KEY
from srt_core.ui.frame.filter_address import describe_filter
from srt_core.ui.server.runtime import Project
from tests.screens import desk_of, finish, open_screen, served, told_to, words
from tests.small_project import write_lines

EXPLORE, REVIEW, IMPORT = "pages/4_Explore.py", "pages/6_Review.py", "pages/1_Import.py"
ROWS = [
    {"instruction": "Name a river.", "output": "The Elbe.<|im_end|>"},
    {"instruction": "Name a lake.", "output": "Lake *Como*<b>!</b>\u200b"},
    {"instruction": "Name a sea.", "output": "The North Sea."},
    {"instruction": "Name a hill.", "output": "Write to <img src=x onerror=alert(1)> anna@posteo.de</s>"},
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Four samples that were imported and not looked at."""
    with served(monkeypatch, tmp_path / "p.srt") as project:
        for _ in import_file(project.store, write_lines(tmp_path / "rows.jsonl", ROWS)):
            pass
        yield project


def look(project: Project) -> None:
    for _ in find_marks(project.store):
        pass


def open_marks(**query: str) -> AppTest:
    app = open_screen(EXPLORE, **query)
    app.session_state["explore_panel"] = "Marks"
    return app.run()


def counts(app: AppTest, column: str = "samples") -> dict[str, object]:
    table = app.dataframe[0].value
    return dict(zip(table["mark"], table[column], strict=True))


def test_marks_are_looked_for_by_a_press_and_counted(project: Project) -> None:
    """Before that there are no counts; afterwards each mark has one, the most frequent first, and no way to press."""
    app = open_marks()
    assert all(value != value or value is None for value in counts(app).values())
    next(button for button in app.button if button.label == "Look for marks").click().run()
    finish(project, "marks", app)
    found = counts(app)
    assert list(found.items())[0] == ("Special tokens", 2)
    assert (found["Hidden characters"], found["Unfinished response"]) == (1, 0)
    assert "Look for marks" not in [button.label for button in app.button]


def test_an_import_starts_the_search_for_marks(project: Project, tmp_path: Path) -> None:
    """Once the import's job is done that of the marks begins by itself."""
    path = write_lines(tmp_path / "more.jsonl", [{"instruction": "Name an isle.", "output": "Sylt.<|im_end|>"}])
    app = open_screen(IMPORT)
    project.start("import", {"paths": [str(path)], "format": "jsonl"})
    finish(project, "import", app)
    finish(project, "marks", app)
    assert unlooked(project.store) == []
    assert count(project.store, Filter(mark=("special_tokens",))) == 3


def test_a_filter_takes_samples_with_any_of_its_marks(project: Project) -> None:
    """The same in the address, in words and on the table; an export takes the same filter."""
    look(project)
    only = Filter(mark=("special_tokens", "hidden_characters"))
    assert count(project.store, only) == 3
    address = filter_to_address(only)
    assert address == {"mark": "special_tokens,hidden_characters"}
    assert read_filter(address) == only
    assert describe_filter(only) == "marks: Special tokens, Hidden characters"
    app = open_screen(EXPLORE, **address)
    assert [row["number"] for row in told_to(app, KEY)["rows"]] == [1, 2, 4]
    app.session_state["explore_panel"] = "Filters"
    app.run()
    assert "More filters: kind, length, scores, who and when, files (1 set)" in str(app)
    assert count_marked(project.store, Filter(mark=("hidden_characters",)))["hidden_characters"] == 1


def test_counts_within_a_filter_stand_beside_those_of_all(project: Project) -> None:
    """A filter adds a column and leaves the counts of the whole set as they are."""
    look(project)
    app = open_marks(text="anna")
    assert counts(app)["Special tokens"] == 2
    assert counts(app, "matching")["Special tokens"] == 1
    assert counts(app, "matching")["Hidden characters"] == 0


def test_an_address_with_an_unknown_mark_says_what_there_is(project: Project) -> None:
    """A mark that there is none of is refused with the names there are."""
    app = open_screen(EXPLORE, mark="nothing")
    said = "\n".join(element.value for element in app.error) + words(app)
    assert "nothing" in said
    assert all(name in said for name in BY_NAME)


def test_a_samples_marks_are_said_beside_it_as_text(project: Project) -> None:
    """The reasons quote the data: they are text, never markup."""
    look(project)
    name = project.store.value("SELECT sample_id FROM sample WHERE seq = 4")
    app = open_screen(EXPLORE, sample=name, queue="closest")
    said = " ".join(told_to(app, KEY)["card"]["rule"]["marks"])
    card = desk_of(open_screen(REVIEW, sample=name, queue="all"))["cards"][name]
    for shown in (said, " ".join(card["rule"]["marks"])):
        assert "Special tokens: “</s>” in the response, at character" in shown
        assert "E-mail or phone number: an…@posteo.de in the response" in shown
    assert not any("posteo" in element.value for element in [*app.markdown, *app.caption])


def test_a_sample_without_marks_says_nothing_of_them(project: Project) -> None:
    """No mark, no line."""
    look(project)
    name = project.store.value("SELECT sample_id FROM sample WHERE seq = 3")
    card = desk_of(open_screen(REVIEW, sample=name, queue="all"))["cards"][name]
    assert card["rule"]["marks"] == []
