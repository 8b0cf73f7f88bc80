"""The Explore screen: filter the whole set, see its distributions, act on all of a filter, read a sample."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from srt_core.project import events
from srt_core.project.candidates import count_samples
from srt_core.records import Action
from srt_core.review import decisions
from srt_core.review.filter import facets
from srt_core.review.filter.facets import LISTED, choices
from srt_core.review.filter.filter import Filter, membership
from srt_core.review.filter.page import SORTS, Listed, read_page
from srt_core.ui.explore.charts import render_charts
from srt_core.ui.explore.coverage import render_coverage
from srt_core.ui.explore.marks import render_marks
from srt_core.ui.explore.sample import render_sample
from srt_core.ui.explore.views import draw_views, open_view
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filters import describe_filter, filter_bar, filter_to_address
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting, curator, fragment, reporting, show_empty, show_kept_error
from srt_core.ui.frame.words import (
    ACTION_LABELS,
    MEASURE_HELP,
    ORIGIN_LABELS,
    REASON_LABELS,
)
from srt_core.ui.server.runtime import Project

PAGE_ROWS = 50
TABLE_HEIGHT = 668
"""Eighteen rows; the sample that is read stands beside them."""
BESIDE = (3, 2)
"""How the width is shared by the table and the sample that is read."""
CELL_CHARACTERS = 300
"""A cell shows the start of a text; the whole of it stands in the sample."""

_BULK = {
    Action.APPROVE: ("Keep", ":material/done_all:", "Take the rule's pick of each. Decided ones stay as they are."),
    Action.REJECT: ("Leave out", ":material/block:", "Leave them out. Decided ones stay as they are."),
    Action.PARK: ("Park", ":material/pause_circle:", "Set them aside for later. Decided ones stay as they are."),
}


def render_explore(project: Project) -> None:
    """Draw the whole screen."""
    samples = count_samples(project.store)
    if not samples:
        show_empty("There are no samples to explore yet. Import some first.", "pages/1_Import.py", "Import")
        return
    open_view(project)
    only = filter_bar(project)
    with reporting():
        found = facets.count(project.store, only)
        _draw_summary(project, only, found, samples)
        _draw_bulk(project, only)
        if found:
            _draw_shown(project, only)
            _draw_table(project, only, found)
        else:
            st.markdown("No sample matches. Take a condition out of the filter, or clear it.")


_PANELS: Mapping[str, Callable[[Project, Filter], None]] = {
    "Distributions": render_charts,
    "Coverage": render_coverage,
    "Marks": render_marks,
}


def _choose_panel() -> None:
    """Let the curator choose what stands above the table: nothing at first, so that the rows are in sight."""
    st.segmented_control("Above the table", list(_PANELS), key="explore_panel", persist_state="session",
                         label_visibility="collapsed", help="Press again to have more room for the table.")  # fmt: skip


def _draw_shown(project: Project, only: Filter) -> None:
    draw = _PANELS.get(st.session_state.get("explore_panel") or "")
    if draw:
        with st.container(border=True):
            draw(project, only)


def _draw_summary(project: Project, only: Filter, found: int, samples: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{found:,}** of {samples:,} samples match",
            width="content",
            help="The address of this page holds the filter: bookmark it or send it to keep this view.",
        )
        kept = filter_to_address(only)
        sort = st.query_params.get("sort", "number")
        st.page_link("pages/6_Review.py", label="Review these", icon=":material/fact_check:", disabled=not found,
                     query_params=address(queue="filter", sort=sort, **kept))  # fmt: skip
        st.page_link("pages/8_Export.py", label="Export these", icon=":material/download:", disabled=not found,
                     query_params=address(**kept))  # fmt: skip
        draw_views(project, only)
        _choose_panel()


def _draw_bulk(project: Project, only: Filter) -> None:
    waiting = facets.count_undecided(project.store, only)
    with st.container(horizontal=True, vertical_alignment="center"):
        for action, (verb, icon, explained) in _BULK.items():
            number = waiting.picks if action is Action.APPROVE else waiting.samples
            st.button(f"{verb} all {number:,}", key=f"bulk_{action}", icon=icon, help=explained, disabled=not number,
                      on_click=_decide_all, args=(project, only, action))  # fmt: skip
        st.caption(_said_of(waiting), width="content")
    _draw_undo(project)


def _said_of(waiting: facets.Undecided) -> str:
    if not waiting.samples:
        return "None of them waits for a decision."
    passed = waiting.samples - waiting.picks
    those = "any" if passed == waiting.samples else f"{passed:,}"
    said = f"{waiting.samples:,} wait for a decision"
    return f"{said}; the rule picks nothing for {those} of them." if passed else f"{said}."


@acting
def _decide_all(project: Project, only: Filter, action: Action) -> None:
    where, values = membership(project.store, only)
    decisions.decide_all(project.store, where, values, action, curator(), _note(project, only))


def _note(project: Project, only: Filter) -> str:
    """Say the filter for the log, with what its subjects and files are called now: a number may mean others later."""
    said = {name: choices(project.store, name) for name in LISTED if getattr(only, name)}
    return describe_filter(only, said)


def _draw_undo(project: Project) -> None:
    """Offer to undo the person's latest action where it was one on many samples; a reload does not lose it."""
    last = events.events(project.store, events.EventFilter(author=curator()), 1)
    if not last or "bulk" not in last[0].context:
        return
    event = last[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        label = ACTION_LABELS[Action(event.kind)].lower()
        st.markdown(f":material/check_circle: Your last action: {label} **{event.in_action:,}** samples at once.",
                    width="content")  # fmt: skip
        st.button(f"Undo all {event.in_action:,}", key="bulk_undo", icon=":material/undo:", on_click=_undo,
                  args=(project, event.action_id))  # fmt: skip


@acting
def _undo(project: Project, action_id: int) -> None:
    decisions.undo_action(project.store, action_id, curator())


@fragment
def _draw_table(project: Project, only: Filter, found: int) -> None:
    show_kept_error()
    with reporting():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            sort = _choose_sort()
            place = _choose_page(found, f"{filter_to_address(only)}|{sort}")
        rows = read_page(project.store, only, sort, PAGE_ROWS, (place - 1) * PAGE_ROWS)
        view = f"{filter_to_address(only)}|{sort}|{place}"
        if sample := st.query_params.get("sample"):
            table, beside = st.columns(BESIDE)
            with table:
                _draw_rows(rows, view)
            with beside:
                render_sample(project, sample, filter_to_address(only))
        else:
            _draw_rows(rows, view)
            st.caption("Select a row to read its sample beside the table.")


def _choose_sort() -> str:
    names = list(SORTS)
    asked = st.query_params.get("sort", "")
    place = names.index(asked) if asked in names else 0
    key = f"explore_sort|{place}"
    return st.selectbox("Order", names, place, key=key, on_change=_turn_sort, args=(key,), width=280,
                        label_visibility="collapsed", help="The order of the rows.",
                        format_func=lambda name: f"Order: {name}")  # fmt: skip


def _turn_sort(key: str) -> None:
    put_in_address("sort", st.session_state[key])
    put_in_address("page", "")


def _choose_page(found: int, view: str) -> int:
    pages = -(-found // PAGE_ROWS)
    asked = st.query_params.get("page", "1")
    place = min(max(int(asked) if asked.isdecimal() else 1, 1), pages)
    if pages == 1:
        return 1
    key = f"explore_page|{view}|{place}"  # of this place: the address leads, by link or by the browser's back button
    st.pagination(pages, default=place, key=key, on_change=_turn_page, args=(key,), width="stretch")
    return place


def _turn_page(key: str) -> None:
    put_in_address("page", str(st.session_state[key]))


def _draw_rows(rows: list[Listed], view: str) -> None:
    names = [row.sample_id for row in rows]
    chosen = st.query_params.get("sample")
    selected = [names.index(chosen)] if chosen in names else []
    key = f"explore_rows|{view}"  # of this page of this filter: a row's place means nothing on another
    st.dataframe(
        [_cells(row) for row in rows],
        key=key,
        hide_index=True,
        placeholder="",
        height=min(TABLE_HEIGHT, 38 + 35 * len(rows)),
        on_select=partial(_open_sample, key, names),
        selection_mode="single-row",
        selection_default={"selection": {"rows": selected, "columns": [], "cells": []}},
        column_config=_COLUMNS,
        alt="The samples of the filter, one row each",
    )


def _open_sample(key: str, names: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(names):
        put_in_address("sample", names[rows[0]])
    else:
        put_in_address("sample", "")


def _cells(row: Listed) -> dict[str, object]:
    rule = row.selection
    winner = ORIGIN_LABELS[rule.winner]
    return {
        "number": row.seq,
        "instruction": row.pair.instruction[:CELL_CHARACTERS],
        "response": row.pair.response[:CELL_CHARACTERS],
        "ifd": row.original["ifd"],
        "winner_ifd": row.winner["ifd"],
        "r_ifd": row.original["r_ifd"],
        "winner_r_ifd": row.winner["r_ifd"],
        "winner": winner,
        "drift": row.winner["drift"],
        "growth": row.winner["growth"],
        "outcome": f"Keep: {winner}" if rule.origin else REASON_LABELS[rule.reason],
        "decision": ACTION_LABELS[row.action] if row.action else "",
    }


_COLUMNS = {
    "number": st.column_config.NumberColumn("No.", width=50, help="The sample's number in the project."),
    "instruction": st.column_config.TextColumn("Instruction", width=170),
    "response": st.column_config.TextColumn("Response", width=170),
    "ifd": st.column_config.NumberColumn(
        "IFD", format="%.3f", width=60, help=f"Of the original. {MEASURE_HELP['ifd']}"
    ),
    "winner_ifd": st.column_config.NumberColumn("Winner IFD", format="%.3f", width=85, help="IFD of the winner."),
    "r_ifd": st.column_config.NumberColumn(
        "r-IFD", format="%.3f", width=60, help=f"Of the original. {MEASURE_HELP['r_ifd']}"
    ),
    "winner_r_ifd": st.column_config.NumberColumn("Winner r-IFD", format="%.3f", width=95, help="r-IFD of the winner."),
    "winner": st.column_config.TextColumn("Winner", width=85, help="The version that the rule's comparisons prefer."),
    "drift": st.column_config.NumberColumn(
        "Drift", format="%.2f", width=55, help=f"Of the winner. {MEASURE_HELP['drift']}"
    ),
    "growth": st.column_config.NumberColumn(
        "Length", format="%.1f ×", width=60, help=f"Of the winner, none for an original. {MEASURE_HELP['growth']}"
    ),
    "outcome": st.column_config.TextColumn("Rule says", width=140, help="What the rule keeps, or why nothing."),
    "decision": st.column_config.TextColumn("Decision", width=80, help="What a person decided."),
}
