"""The filter of Explore, of Review's queue "this filter" and of Export's "this view". It lives in the address.

The widgets only show what the address says and write to it, so a link, a reload and the browser's back button all
give the same samples. The common conditions stand in the bar, the others below it, in groups.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from srt_core.errors import SRTError
from srt_core.review.filter.address import CHOICES, LENGTHS, filter_to_address
from srt_core.review.filter.facets import LISTED, choices
from srt_core.review.filter.filter import Filter, Range, origins_of
from srt_core.review.filter.own import OwnCondition
from srt_core.review.verdicts import RANGES
from srt_core.ui.frame.address import claim, current, generation
from srt_core.ui.frame.filter_address import (
    WINNER,
    WORDS,
    describe_filter,
    filter_from_address,
    label,
    range_of,
    range_owner,
    say_value,
    with_range,
    write_filter,
)
from srt_core.ui.frame.own_filter import draw_own
from srt_core.ui.frame.page import acting, show_error
from srt_core.ui.frame.panels import panel
from srt_core.ui.frame.words import MEASURE_HELP, MEASURE_LABELS
from srt_core.ui.server.runtime import Project

__all__ = [
    "WINNER", "describe_filter", "draw_filter", "filter_from_address", "filter_to_address",
    "owner_in_bar", "range_of", "read_address", "with_range", "write_filter",
]  # fmt: skip

_GROUP = "filter"
CHOICE_WIDTH, LISTED_WIDTH, NUMBER_WIDTH, DATE_WIDTH = 150, 184, 96, 148
"""Pixels: the bar is one line where the window is 1440 wide."""
_IN_BAR = ("task", "winner", "reason", "state", "problem")


def owner_in_bar(measure: str) -> str:
    """Return whose `measure` the filter bar stands at: WINNER or an origin."""
    return str(st.session_state.get(f"filter_{measure}_of_{current(_GROUP)}", WINNER))


def read_address() -> Filter:
    """Return the filter in the address. Ends the page, with the way out, where it holds what no filter can."""
    try:
        return filter_from_address()
    except SRTError as error:
        show_error(error)
        st.button("Clear the filter", icon=":material/filter_alt_off:", on_click=write_filter, args=(Filter(),))
        st.stop()


def draw_filter(project: Project, only: Filter) -> None:
    """Draw the other conditions of the filter."""
    born = generation(_GROUP, _said(only))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name in _IN_BAR:
            _draw_choices(name, only, born)
    _draw_more(project, only, born)


def _draw_choices(name: str, only: Filter, born: int) -> None:
    st.multiselect(WORDS[name].title, CHOICES[name], list(getattr(only, name)), key=f"filter_{name}_{born}",
                   format_func=partial(_label, name), on_change=_turn, args=(name,), help=WORDS[name].help,
                   placeholder="All", wrap=False, width=CHOICE_WIDTH)  # fmt: skip


def _draw_more(project: Project, only: Filter, born: int) -> None:
    held = _count_held(only)
    title = "More filters: kind, length, scores, who and when, tags, files"
    with panel("filter_more", f"{title} ({held} set)" if held else title) as is_open:
        if not is_open:
            return
        with _group("What it is; lengths in characters of the response"):
            for name in ("language", "cluster"):
                _draw_listed(project, name, only, born)
            _draw_text("similar", "number or id", only, born)
            _draw_choices("mark", only, born)
            for name in LENGTHS:
                _draw_length(name, only, born)
        with _group("Scores and changes"):
            for measure in RANGES:
                _draw_range(only, measure, born)
        with _group("Who, when and what failed"):
            for name in ("producer", "author", "because", "tag"):
                _draw_listed(project, name, only, born)
            _draw_text("note", "contains", only, born)
            _draw_days(only, born)
            _draw_listed(project, "failure", only, born)
        with _group("How scoring went, and where it came from"):
            _draw_choices("score", only, born)
            _draw_listed(project, "imported", only, born)
        with _group("The columns of your own files"):
            draw_own(project.store, only.own, born, _turn_own)


@contextmanager
def _group(title: str) -> Iterator[None]:
    """Set widgets side by side under a caption; they go to the next line where the window is narrow."""
    st.caption(title)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        yield


def _count_held(only: Filter) -> int:
    held = [getattr(only, name) for name in (*LISTED, *LENGTHS, "score", "mark", "decided", "note", "similar")]
    ranges = [range_of(only, measure)[1] for measure in RANGES]
    return sum(map(bool, [*held, *ranges])) + len(only.own)


def _draw_listed(project: Project, name: str, only: Filter, born: int) -> None:
    """Offer the values that the project holds. They may be of the file: they are options, never labels."""
    said = choices(project.store, name)
    chosen = list(getattr(only, name))
    options = list(dict.fromkeys([*said, *chosen]))
    st.multiselect(WORDS[name].title, options, chosen, key=f"filter_{name}_{born}", on_change=_turn, args=(name,),
                   format_func=lambda value: say_value(name, value, said), help=WORDS[name].help, wrap=False,
                   disabled=not options, placeholder="All" if options else "None yet", width=LISTED_WIDTH)  # fmt: skip


def _draw_text(name: str, placeholder: str, only: Filter, born: int) -> None:
    st.text_input(WORDS[name].title, getattr(only, name), key=f"filter_{name}_{born}", on_change=_turn_text,
                  args=(name,), placeholder=placeholder, help=WORDS[name].help, width=LISTED_WIDTH)  # fmt: skip


def _draw_length(name: str, only: Filter, born: int) -> None:
    low, high = getattr(only, name) or (None, math.inf)
    for part, value in (("from", low), ("to", None if math.isinf(high) else high)):
        st.number_input(f"{WORDS[name].title} from" if part == "from" else "to", step=50, min_value=0,
                        value=None if value is None else int(value), key=f"filter_{name}_{part}_{born}",
                        on_change=_turn_length, args=(name,), placeholder="any",
                        width=CHOICE_WIDTH if part == "from" else NUMBER_WIDTH,
                        help=WORDS[name].help if part == "from" else None)  # fmt: skip


def _draw_days(only: Filter, born: int) -> None:
    for part, day in zip(("from", "to"), only.decided or (None, None), strict=True):
        st.date_input("Decided from" if part == "from" else "to", day, key=f"filter_decided_{part}_{born}",
                      on_change=_turn_days, format="YYYY-MM-DD", width=DATE_WIDTH,
                      help=WORDS["decided"].help if part == "from" else None)  # fmt: skip


def _draw_range(only: Filter, measure: str, born: int) -> None:
    owner, ends = range_of(only, measure)
    low, high = ends or (0.0, math.inf)
    owners = (WINNER, *map(str, origins_of(measure)))
    turn = partial(_turn_range, measure)
    st.selectbox(f"{MEASURE_LABELS[measure]} of", owners, owners.index(owner), key=f"filter_{measure}_of_{born}",
                 on_change=turn, format_func=range_owner, help=MEASURE_HELP[measure], width=LISTED_WIDTH)  # fmt: skip
    for name, value in (("from", low or None), ("to", high if math.isfinite(high) else None)):
        st.number_input(name, value=value, step=0.05, format="%.3g", key=f"filter_{measure}_{name}_{born}",
                        on_change=turn, placeholder="any", width=NUMBER_WIDTH)  # fmt: skip


@acting
def _turn_text(name: str) -> None:
    changed: dict[str, Any] = {name: _typed(name)}
    _take(replace(filter_from_address(), **changed))


@acting
def _turn(name: str) -> None:
    changed: dict[str, Any] = {name: tuple(_typed(name))}
    _take(replace(filter_from_address(), **changed))


@acting
def _turn_range(measure: str) -> None:
    owner, low, high = (_typed(f"{measure}_{part}") for part in ("of", "from", "to"))
    _take(with_range(filter_from_address(), measure, owner, _ends(low, high)))


@acting
def _turn_length(name: str) -> None:
    changed: dict[str, Any] = {name: _ends(_typed(f"{name}_from"), _typed(f"{name}_to"))}
    _take(replace(filter_from_address(), **changed))


@acting
def _turn_days() -> None:
    first, last = _typed("decided_from"), _typed("decided_to")
    _take(replace(filter_from_address(), decided=(first, last) if first or last else None))


def _turn_own(condition: OwnCondition) -> None:
    _take(filter_from_address().with_own(condition))


def _ends(low: float | None, high: float | None) -> Range | None:
    return None if low is None and high is None else (low or 0.0, math.inf if high is None else high)


def _typed(name: str) -> Any:
    return st.session_state[f"filter_{name}_{current(_GROUP)}"]


def _take(only: Filter) -> None:
    """Write what was put into the bar to the address; the bar shows it already."""
    claim(_GROUP, _said(only))
    write_filter(only)


def _said(only: Filter) -> str:
    return json.dumps(filter_to_address(only))


def _label(name: str, value: str) -> str:
    return label(value.replace("_", " ") if name == "score" else value)
