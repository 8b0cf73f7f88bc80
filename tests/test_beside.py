"""What screens show beside a pair: its context and the curator's own columns."""

import html
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srt_core.records import NO_CONTEXT, Context, Pair
from srt_core.ui.explore.component import KEY
from srt_core.ui.sample.texts import MOST_CHARACTERS, MOST_COLUMNS, context_html, own_html
from tests.context_project import create_project, exchanges, sample_ids, turns
from tests.desk_talk import Talk, press
from tests.screens import desk_of, open_screen, served, told_to

TALK = Context("Be <b>brief</b>.", turns("Name a *bird*.", "A wren."))


def test_nothing_beside_a_pair_is_nothing_on_screen() -> None:
    """A pair without context and a file without further columns show no empty frame."""
    assert context_html(NO_CONTEXT) == own_html({}) == ""


def test_a_context_shows_who_said_what() -> None:
    """The title says what there is and how much; each message stands below its role, as text."""
    block = context_html(TALK)
    assert "Context: a system text and 2 earlier turns, 37 characters" in block
    places = [block.index(text) for text in (
        ">System<", "Be &lt;b&gt;brief&lt;/b&gt;.", ">User<", "Name a *bird*.", ">Assistant<", "A wren.")]  # fmt: skip
    assert places == sorted(places)
    assert "Context: 1 earlier turn," in context_html(Context(turns=turns("Hello.")))
    assert "Context: a system text, 9 characters" in context_html(Context("Be brief."))


def test_what_is_long_is_folded() -> None:
    """A short context and a few columns are open; much text and many columns begin folded."""
    assert "<details" in context_html(TALK)
    assert " open>" in context_html(TALK)
    assert " open>" not in context_html(Context("x" * (MOST_CHARACTERS + 1)))
    few: dict[str, Any] = {str(place): place for place in range(MOST_COLUMNS)}
    assert " open>" in own_html(few)
    assert " open>" not in own_html({**few, "more": 1})
    assert " open>" not in own_html({"text": "x" * (MOST_CHARACTERS + 1)})


@given(name=st.text(min_size=1), text=st.text(min_size=1))
def test_whatever_stands_there_is_text(name: str, text: str) -> None:
    """No name and no text adds an element, whatever it holds."""
    plain = {own_html({"n": "t"}).count("<")}
    assert {own_html({name: text}).count("<")} == plain
    assert html.escape(name) in own_html({name: text})
    assert context_html(Context(text)).count("<") == context_html(Context("t")).count("<")


def test_a_sample_is_read_in_its_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Review and Explore show what stands before the pair, and the columns of the file that came with it."""
    pair = exchanges("Be brief.", "Name a bird.", "A wren.", "Another?", "A tit.")[1]
    with create_project(tmp_path / "p.srt", [(pair, {"source": "field book", "votes": 3})]) as store:
        (name,) = sample_ids(store)
    with served(monkeypatch, tmp_path / "p.srt"):
        app = open_screen("pages/4_Explore.py", queue="all", sample=name)
        beside = told_to(app, KEY)["card"]
        card = desk_of(open_screen("pages/6_Review.py", queue="all", sample=name))["cards"][name]
    assert (beside["own"], beside["context"]) == (card["own"], card["context"])
    assert card["own"] == {"source": "field book", "votes": "3"}
    assert card["context"]["title"] == "Context: a system text and 2 earlier turns, 28 characters"
    assert card["context"]["messages"] == [["System", "Be brief."], ["User", "Name a bird."], ["Assistant", "A wren."]]


def test_an_edit_stands_in_the_context_of_its_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved stands in the same context as the pair that was edited."""
    pair: Pair = exchanges("", "Name a bird.", "A wren.", "Another?", "A tit.")[1]
    with create_project(tmp_path / "p.srt", [(pair, {})]) as store:
        (name,) = sample_ids(store)
    with served(monkeypatch, tmp_path / "p.srt") as project:
        talk = Talk(project)
        (version,) = talk.cards[name]["versions"]
        texts = {"instruction": pair.instruction, "input": pair.input, "response": "A jay."}
        talk.say(press("edit", name, origin="ORIGINAL", candidate=version["candidate"], edited=texts))
        row = project.store.rows("FROM edited_pair")[0]
        assert (row["response"], Context.from_json(row["context"])) == ("A jay.", pair.context)
