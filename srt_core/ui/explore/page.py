"""The Explore screen: the rows of a filter first, acting on all of it, and one sample read and decided beside them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.candidates import count_samples, find_sample
from srt_core.project.store import Store
from srt_core.review.filter import facets
from srt_core.review.filter.facets import LISTED, choices
from srt_core.review.filter.filter import Filter, similar
from srt_core.review.filter.page import MOST_SIMILAR, orders, read_page
from srt_core.ui.explore.charts import render_charts
from srt_core.ui.explore.component import HEAD_KEY, KEY, head_in_browser, rows_in_browser
from srt_core.ui.explore.coverage import render_coverage
from srt_core.ui.explore.marks import render_marks
from srt_core.ui.explore.retract import render_retract
from srt_core.ui.explore.rows import COLUMNS, cells
from srt_core.ui.explore.talk import Talk, last_bulk, open_card
from srt_core.ui.explore.views import open_view, render_views
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filter_address import conditions, without
from srt_core.ui.frame.filters import draw_filter, filter_to_address, read_address, write_filter
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import curator, fragment, reporting, show_empty, show_kept_error
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

PAGE_ROWS = 100
REVIEW, EXPORT, HISTORY = "pages/6_Review.py", "pages/8_Export.py", "pages/9_History.py"


def render_explore(project: Project) -> None:
    """Draw the whole screen."""
    samples = count_samples(project.store)
    if not samples:
        st.title("Explore", anchor=False)
        show_empty("There are no samples to explore yet. Import some first.", "pages/1_Import.py", "Import")
        return
    open_view(project)
    only = read_address()
    names = list(_PANELS)
    panel = st.session_state.get("explore_panel") or ""
    where = f"{project.name} · {curator()}"
    head_in_browser(key=HEAD_KEY, data={"text": only.text, "panels": names, "panel": panel, "where": where},
                    on_message_change=partial(_hear_head, only))  # fmt: skip
    with reporting():
        if draw := _PANELS.get(panel):
            with st.container(border=True):
                draw(project, only)
    _draw_rows(project, only, samples)


def _hear_head(only: Filter) -> None:
    """Take what was searched for, or which panel is to stand above the rows; it stays so for the session."""
    message: Mapping[str, Any] = st.session_state[HEAD_KEY].message
    if "text" in message:
        write_filter(replace(only, text=str(message["text"]).strip()))
    if "panel" in message:
        st.session_state["explore_panel"] = str(message["panel"])


_PANELS: Mapping[str, Callable[[Project, Filter], None]] = {
    "Filters": draw_filter,
    "Distributions": render_charts,
    "Coverage": render_coverage,
    "Marks": render_marks,
    "Views": render_views,
    "Retract": render_retract,
}
"""What can be unfolded above the rows: nothing at first, so that these are in sight."""


@fragment
def _draw_rows(project: Project, only: Filter, samples: int) -> None:
    show_kept_error()
    talk: Talk = st.session_state.setdefault("explore_talk", Talk())
    if talk.is_news:
        talk.is_news = False
        st.rerun()
    _leave(talk, only)
    store = project.store
    with reporting():
        data = {**_of_filter(store, only, samples), **_of_rows(store, only)}
        data |= {"turn": talk.turn, "answer": talk.answer, "undo": last_bulk(store, curator())}
        rows_in_browser(key=KEY, data=data | _of_sample(store, talk), on_message_change=partial(_hear, project, only))


def _of_filter(store: Store, only: Filter, samples: int) -> dict[str, Any]:
    """Return the filter in words, and how many samples each button would take."""
    waiting = facets.count_undecided(store, only)
    said = {name: choices(store, name) for name in LISTED if getattr(only, name)}
    return {
        "samples": samples,
        "found": facets.count(store, only),
        "chips": list(conditions(only, said).items()),
        "bulk": {"keep": waiting.picks, "leave_out": waiting.samples, "park": waiting.samples},
        "waiting": waiting.samples,
        "view": filter_to_address(only),
    }


def _of_rows(store: Store, only: Filter) -> dict[str, Any]:
    """Return one page of the rows in the order that the address asks for, the nearest page there is."""
    sort = st.query_params.get("sort", "number")
    known = orders(only)
    sort = sort if sort in known else "number"
    pages = max(1, -(-facets.count(store, only) // PAGE_ROWS))
    asked = st.query_params.get("page", "1")
    place = min(max(int(asked) if asked.isdecimal() else 1, 1), pages)
    rows = read_page(store, only, sort, PAGE_ROWS, (place - 1) * PAGE_ROWS)
    return {
        "rows": cells(store, rows, only),
        "columns": [{"name": each.name, "title": each.title, "help": each.help, "orders": list(each.orders)}
                    for each in COLUMNS],
        "sort": sort,
        "sorts": list(known),
        "page": place,
        "pages": pages,
    }  # fmt: skip


def _of_sample(store: Store, talk: Talk) -> dict[str, Any]:
    """Return the open sample; where the address names none that is there, why."""
    name = st.query_params.get("sample", "")
    try:
        name = find_sample(store, name) if name else ""
        return {"open": name, "card": open_card(store, name, is_whole=talk.whole == name) if name else None}
    except SRTError as error:
        return {"open": name, "card": None, "lost": f"{told(error.message)}"}


def _hear(project: Project, only: Filter) -> None:
    """Take a message of the browser."""
    message: Mapping[str, Any] = st.session_state[KEY].message
    talk: Talk = st.session_state.setdefault("explore_talk", Talk())
    if not talk.is_new(message):
        return
    try:
        _do(project.store, talk, only, message)
    except SRTError as error:
        talk.answer = {"refused": told(error.message), "hint": told(error.hint)}


def _do(store: Store, talk: Talk, only: Filter, message: Mapping[str, Any]) -> None:
    if sent := message.get("press"):
        talk.press(store, curator(), sent)
    if "open" in message:
        put_in_address("sample", str(message["open"] or ""))
    if "whole" in message:
        talk.whole = str(message["whole"])
    if "sort" in message:
        put_in_address("sort", str(message["sort"]))
        put_in_address("page", "")
    if "page" in message:
        put_in_address("page", str(message["page"]))
    if (found := _filter_asked(store, only, message)) is not None:
        write_filter(found)
        talk.is_news = True
    if "bulk" in message:
        talk.decide_all(store, curator(), only, str(message["bulk"]))
    if "undo" in message:
        talk.undo_all(store, curator(), int(message["undo"]))
    talk.leaves_to = str(message.get("leave") or "")


def _filter_asked(store: Store, only: Filter, message: Mapping[str, Any]) -> Filter | None:
    """Return the filter that a message asks for; None where it asks for none. SRTError where there are no vectors."""
    if "similar" in message:
        name = str(message["similar"])
        similar(store, name)
        put_in_address("sort", MOST_SIMILAR)
        return Filter(similar=name)
    if "drop" in message:
        return without(only, str(message["drop"]))
    return Filter() if message.get("clear") else None


def _leave(talk: Talk, only: Filter) -> None:
    """Go to the other page that was asked for, with this filter and order."""
    place, talk.leaves_to = talk.leaves_to, ""
    kept, sample = filter_to_address(only), st.query_params.get("sample", "")
    sort = st.query_params.get("sort", "number")
    if place == "review":
        st.switch_page(REVIEW, query_params=address(queue="filter", sort=sort, **kept))
    if place == "desk":
        st.switch_page(REVIEW, query_params=address(queue="filter", sort=sort, sample=sample, **kept))
    if place == "export":
        st.switch_page(EXPORT, query_params=address(**kept))
    if place == "history":
        st.switch_page(HISTORY, query_params=address(of_sample=sample))
