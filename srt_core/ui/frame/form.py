"""The form of a step, drawn from its arguments: each field begins with what the latest run was told."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import streamlit as st

from srt_core.errors import SRTError
from srt_core.steps.step import Argument, Arguments, Field, Row, Step, Widget
from srt_core.ui.frame.page import reporting
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import may_name, require_named

Own = Callable[[Argument, Any], Any]
"""Draws the field of an argument in a page's own way, from what it begins with, and returns what was chosen."""


def draw_form(step: Step, last: Arguments, *parts: str, own: Mapping[str, Own] | None = None) -> dict[str, Any]:
    """Draw these parts of a step's form (all for none), those for experts folded away, and return what was chosen."""
    rows = step.rows_of(*parts)
    folded = [row for row in rows if all(step.argument(name).is_expert for name in row.names)]
    chosen: dict[str, Any] = {}
    for row in rows:
        if row not in folded:
            chosen |= _draw_row(step, row, last, own or {})
    if folded:
        with st.expander("More settings", icon=":material/settings:"):
            for row in folded:
                chosen |= _draw_row(step, row, last, own or {})
    return chosen


def _draw_row(step: Step, row: Row, last: Arguments, own: Mapping[str, Own]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for place, name in zip(_places(row), row.names, strict=True):
        argument = step.argument(name)
        with place:
            begin = last.get(name, _first(argument))
            chosen[name] = own.get(name, draw_field)(argument, begin if may_name(argument, begin) else None)
    return chosen


def _places(row: Row) -> Sequence[AbstractContextManager[object]]:
    if len(row.names) == 1:
        return [nullcontext()]
    return st.columns(row.widths or len(row.names), vertical_alignment=row.align)


def _first(argument: Argument) -> object:
    asked = argument.field.first if argument.field else None
    return argument.default if asked is None else asked


def draw_field(argument: Argument, begin: Any, *, suffix: str = "", disabled: bool = False, **changed: Any) -> Any:
    """Draw the field of an argument, which begins with `begin`, and return what was chosen.

    A `suffix` to its key makes it a field of one thing, such as a file, which is forgotten with that; without one it
    keeps its value for the session. `changed` are parts of the field, such as its label, that are others here.
    """
    if argument.field is None:
        raise SRTError(f"The argument {argument.name} has no field.", "Look at the record of its step.")
    field = replace(argument.field, **changed)
    common: dict[str, Any] = {
        "label": field.label,
        "key": f"{field.key or argument.name}{suffix}",
        "help": field.help,
        "disabled": disabled or (argument.reach is not None and not may_own()),
        "persist_state": None if suffix else "session",
    }
    value = _WIDGETS[field.widget](argument, field, begin, common)
    return value if value in field.choices else permitted(argument, value)


def permitted(argument: Argument, value: Any) -> Any:
    """Return a value that was given, or None, said below its field, where it may not be named here."""
    if may_name(argument, value):
        return value
    with reporting():
        require_named(argument, value)
    return None


def _text(_argument: Argument, field: Field, begin: Any, common: dict[str, Any]) -> str:
    return (st.text_input(value=begin or "", placeholder=field.placeholder, **common) or "").strip()


def _number(argument: Argument, field: Field, begin: Any, common: dict[str, Any]) -> int | float | None:
    kind = int if argument.type in (int, int | None) else float
    limits: list[Any] = [None if each is None else kind(each) for each in (field.low, field.high, begin, field.step)]
    low, high, value, step = limits
    found = st.number_input(min_value=low, max_value=high, value=value, step=step, placeholder=field.placeholder,
                            **common)  # fmt: skip
    return None if found is None else kind(found)


def _list(_argument: Argument, field: Field, begin: Any, common: dict[str, Any]) -> str | None:
    options = list(field.choices)
    index = options.index(begin) if begin in options else None if field.placeholder else 0
    return st.selectbox(options=options, index=index, format_func=field.choices.__getitem__,
                        placeholder=field.placeholder, width=field.width or "stretch", **common)  # fmt: skip


def _radio(_argument: Argument, field: Field, begin: Any, common: dict[str, Any]) -> str:
    options = list(field.choices)
    index = options.index(begin) if begin in options else 0
    return str(st.radio(options=options, index=index, format_func=field.choices.__getitem__,
                        captions=field.captions or None, **common))  # fmt: skip


def _switch(_argument: Argument, _field: Field, begin: Any, common: dict[str, Any]) -> bool:
    return bool(st.toggle(value=bool(begin), **common))


_WIDGETS: Mapping[Widget, Callable[[Argument, Field, Any, dict[str, Any]], Any]] = {
    Widget.TEXT: _text, Widget.NUMBER: _number, Widget.LIST: _list, Widget.RADIO: _radio, Widget.SWITCH: _switch,
}  # fmt: skip
