"""The filter of Explore, of Review's queue "this filter" and of Export's "this view". It lives in the address.

The widgets only show what the address says and write to it, so a link, a reload and the browser's back button all
give the same samples.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from srt_core.browse import PROBLEMS, RANGES, STATES, Filter, Range, extra_values, is_empty, origins_of
from srt_core.errors import SRTError
from srt_core.records import Origin, Reason
from srt_core.ui.generation import claim, current, generation
from srt_core.ui.page import acting, show_error
from srt_core.ui.runtime import Project
from srt_core.ui.words import DRIFT_HELP, GROWTH_HELP, IFD_HELP, ORIGIN_LABELS, R_IFD_HELP, REASON_LABELS

_CHOICES: Mapping[str, Sequence[str]] = {
    "winner": tuple(map(str, Origin)),
    "reason": tuple(map(str, Reason)),
    "state": STATES,
    "problem": PROBLEMS,
}
_TITLES = {"winner": "Winner", "reason": "Rule says", "state": "Decision", "problem": "Problem"}
_HELP = {
    "winner": "The version that the rule's comparisons prefer, whether it is kept or not.",
    "reason": "Why the rule keeps the sample or leaves it out.",
    "state": "What people decided. Overridden: otherwise than the rule, or edited.",
    "problem": "What may need a look before training.",
}
MEASURE_LABELS = {"ifd": "IFD", "r_ifd": "r-IFD", "drift": "Drift", "growth": "Length change"}
_MEASURE_HELP = {"ifd": IFD_HELP, "r_ifd": R_IFD_HELP, "drift": DRIFT_HELP, "growth": GROWTH_HELP}
WINNER = "winner"
"""Whose score a range holds, beside the four origins."""

_OF_ORIGIN = tuple(f"origin_{name}" for name in RANGES)
NAMES = ("text", *_CHOICES, *RANGES, *_OF_ORIGIN, "extra")
"""The query parameters of a filter."""

_GROUP = "filter"
_LABELS: Mapping[str, str] = dict([*ORIGIN_LABELS.items(), *REASON_LABELS.items()])


def filter_from_address() -> Filter:
    """Read the filter in the address. SRTError where it holds what no filter can."""
    chosen = {name: _read_choices(name) for name in _CHOICES}
    ranges = {name: _read_range(name, st.query_params.get(name, "")) for name in RANGES}
    of_origins = {f"origin_{name}": _read_origin_range(name) for name in RANGES}
    found: dict[str, Any] = {**chosen, **ranges, **of_origins, "extra": _read_extra()}
    return Filter(text=st.query_params.get("text", ""), **found)


def filter_to_address(only: Filter) -> dict[str, str]:
    """Give the query parameters of a filter; none for what it leaves open."""
    written = {"text": only.text, "extra": json.dumps(dict(only.extra), ensure_ascii=False) if only.extra else ""}
    written |= {name: ",".join(getattr(only, name)) for name in _CHOICES}
    for name in (*RANGES, *_OF_ORIGIN):
        values = getattr(only, name) or ()
        written[name] = ",".join(value if isinstance(value, str) else f"{value:.6g}" for value in values)
    return {name: text for name, text in written.items() if text}


def write_filter(only: Filter) -> None:
    """Put a filter into the address and go back to the first page."""
    written = filter_to_address(only)
    for name in (*NAMES, "page"):
        if name in written:
            st.query_params[name] = written[name]
        elif name in st.query_params:
            del st.query_params[name]


def describe_filter(only: Filter) -> str:
    """Say a filter in one line, for the log. It may quote the data set."""
    if is_empty(only):
        return "all samples"
    parts = [f"text contains '{only.text}'"] if only.text else []
    for name in _CHOICES:
        if chosen := getattr(only, name):
            parts.append(f"{_TITLES[name].lower()}: {', '.join(_label(item) for item in chosen)}")
    for name in RANGES:
        origin, ends = range_of(only, name)
        if ends:
            parts.append(f"{MEASURE_LABELS[name]} of {_range_owner(origin)} {ends[0]:g} to {ends[1]:g}")
    return "; ".join(parts + [f"{name} is '{value}'" for name, value in only.extra])


def range_of(only: Filter, measure: str) -> tuple[str, Range | None]:
    """Give whose `measure` a filter bounds (WINNER or an origin), and its ends; WINNER, None where it is open."""
    if of_origin := getattr(only, f"origin_{measure}"):
        return of_origin[0], of_origin[1:]
    return WINNER, getattr(only, measure)


def owner_in_bar(measure: str) -> str:
    """Give whose `measure` the filter bar stands at: WINNER or an origin."""
    return str(st.session_state.get(f"filter_{measure}_of_{current(_GROUP)}", WINNER))


def with_range(only: Filter, measure: str, owner: str, ends: Range | None) -> Filter:
    """Give the filter with the `measure` of the winner or of one origin bounded, or open again."""
    values: dict[str, Any] = {measure: None, f"origin_{measure}": None}
    if ends and owner == WINNER:
        values[measure] = ends
    elif ends:
        values[f"origin_{measure}"] = (owner, *ends)
    return replace(only, **values)


def filter_bar(project: Project) -> Filter:
    """Draw the filter and return what it takes. Ends the page where the address holds what no filter can."""
    try:
        only = filter_from_address()
    except SRTError as error:
        show_error(error)
        st.button("Clear the filter", icon=":material/filter_alt_off:", on_click=write_filter, args=(Filter(),))
        st.stop()
    born = generation(_GROUP, _said(only))
    columns = st.columns([5, 3, 3, 3, 3, 2], vertical_alignment="bottom")
    with columns[0]:
        st.text_input("Text", only.text, key=f"filter_text_{born}", on_change=_turn_text, icon=":material/search:",
                      placeholder="Anywhere in a sample", help="Any version's instruction, input or response contains "
                      "this, in capitals or not. Press Enter.")  # fmt: skip
    for column, name in zip(columns[1:], _CHOICES, strict=False):
        with column:
            st.multiselect(_TITLES[name], _CHOICES[name], list(getattr(only, name)), key=f"filter_{name}_{born}",
                           format_func=_label, on_change=_turn, args=(name,), help=_HELP[name], placeholder="All",
                           wrap=False)  # fmt: skip
    with columns[-1]:
        st.button("Clear", icon=":material/filter_alt_off:", disabled=is_empty(only), on_click=write_filter,
                  args=(Filter(),), help="Take every sample again.", key="filter_clear", width="stretch")  # fmt: skip
    _draw_more(project, only, born)
    return only


def _draw_more(project: Project, only: Filter, born: int) -> None:
    held = sum(range_of(only, measure)[1] is not None for measure in RANGES) + len(only.extra)
    title = "Scores, drift and columns of the file"
    title = f"{title} ({held} set)" if held else title
    with st.expander(title, key="filter_more"):
        for two in (RANGES[:2], RANGES[2:]):
            for column, measure in zip(st.columns(2, gap="large"), two, strict=True):
                with column:
                    _draw_range(only, measure, born)
        _draw_extra(extra_values(project.store), dict(only.extra), born)


def _draw_range(only: Filter, measure: str, born: int) -> None:
    owner, ends = range_of(only, measure)
    low, high = ends or (0.0, math.inf)
    owners = (WINNER, *map(str, origins_of(measure)))
    label = MEASURE_LABELS[measure]
    of, start, end = st.columns([2, 1, 1])
    turn = partial(_turn_range, measure)
    of.selectbox(f"{label} of", owners, owners.index(owner), key=f"filter_{measure}_of_{born}", on_change=turn,
                 format_func=_range_owner, help=_MEASURE_HELP[measure])  # fmt: skip
    for column, name, value in ((start, "from", low or None), (end, "to", high if math.isfinite(high) else None)):
        column.number_input(name, value=value, step=0.05, format="%.3g", key=f"filter_{measure}_{name}_{born}",
                            on_change=turn, placeholder="any")  # fmt: skip


def _draw_extra(columns: dict[str, list[str]], chosen: Mapping[str, str], born: int) -> None:
    """Offer the file's own columns. Names and values are of the file: they are options, never labels."""
    names = sorted({*columns, *chosen})
    if not names:
        st.caption("The imported file has no further column with few enough values to choose from.")
        return
    left, right = st.columns(2, gap="large")
    first = names.index(next(iter(chosen), names[0]))
    name = left.selectbox("Column of the file", names, first, key="filter_extra_name")
    values = list(dict.fromkeys([*columns.get(name, []), *([chosen[name]] if name in chosen else [])]))
    held = values.index(chosen[name]) if name in chosen else None
    key = f"filter_extra_{names.index(name)}_{born}"
    right.selectbox("is", values, held, key=key, on_change=_turn_extra, args=(name, key), placeholder="anything")
    if chosen:
        st.text(" · ".join(f"{column} is {value}" for column, value in chosen.items()))


@acting
def _turn_text() -> None:
    _take(replace(filter_from_address(), text=_typed("text")))


@acting
def _turn(name: str) -> None:
    changed: dict[str, Any] = {name: tuple(_typed(name))}
    _take(replace(filter_from_address(), **changed))


@acting
def _turn_range(measure: str) -> None:
    owner, low, high = (_typed(f"{measure}_{part}") for part in ("of", "from", "to"))
    ends = None if low is None and high is None else (low or 0.0, math.inf if high is None else high)
    _take(with_range(filter_from_address(), measure, owner, ends))


@acting
def _turn_extra(name: str, key: str) -> None:
    value = st.session_state[key]
    only = filter_from_address()
    chosen = {column: held for column, held in only.extra if column != name}
    if value is not None:
        chosen[name] = value
    _take(replace(only, extra=tuple(chosen.items())))


def _typed(name: str) -> Any:
    return st.session_state[f"filter_{name}_{current(_GROUP)}"]


def _take(only: Filter) -> None:
    """Write what was put into the bar to the address; the bar shows it already."""
    claim(_GROUP, _said(only))
    write_filter(only)


def _said(only: Filter) -> str:
    return json.dumps(filter_to_address(only))


def _label(name: str) -> str:
    return _LABELS.get(name, name.capitalize())


def _range_owner(owner: str) -> str:
    return "the winner" if owner == WINNER else f"the {_label(owner).lower()} version"


def _read_choices(name: str) -> tuple[str, ...]:
    chosen = tuple(filter(None, st.query_params.get(name, "").split(",")))
    if unknown := [item for item in chosen if item not in _CHOICES[name]]:
        raise SRTError(f"The address asks for {name} {', '.join(unknown)}.", f"It can be: {', '.join(_CHOICES[name])}.")
    return chosen


def _read_range(name: str, text: str) -> Range | None:
    if not text:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError as error:
        raise SRTError(f"The address gives {name} as '{text}'.", "Give two numbers, as in 0.5,0.9.") from error
    if math.isnan(low) or math.isnan(high):
        raise SRTError(f"The address gives {name} as '{text}'.", "Give two numbers, as in 0.5,0.9.")
    return low, high


def _read_origin_range(measure: str) -> tuple[str, float, float] | None:
    name = f"origin_{measure}"
    origin, _, text = st.query_params.get(name, "").partition(",")
    if not origin:
        return None
    ends = _read_range(name, text)
    if origin not in origins_of(measure) or ends is None:
        raise SRTError(f"The address gives {name} as '{origin},{text}'.", "Give it as in RESPONSE,0.5,0.9.")
    return origin, *ends


def _read_extra() -> tuple[tuple[str, str], ...]:
    text = st.query_params.get("extra", "")
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise SRTError(f"The address gives extra as '{text}'.", 'Give it as in {"source":"web"}.') from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise SRTError(f"The address gives extra as '{text}'.", 'Give it as in {"source":"web"}.')
    return tuple(found.items())
