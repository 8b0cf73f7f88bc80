"""Counts that are kept until what they are a function of changes: a rerun that changes nothing costs nothing."""

from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import streamlit as st

from srt_core.selection import refresh
from srt_core.store import Store

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

ENTRIES = 200


def remembered(
    count: Callable[Concatenate[Store, Arguments], Result],
    store: Store,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Give count(store, ...), from memory where candidates, scores, policy in use and decisions are as they were.

    What it gives must be small and is a copy for each caller. The arguments are told apart by how they are written.
    """
    asked = f"{count.__module__}.{count.__qualname__}{args}{sorted(kwargs.items())}"
    found = _kept(str(store.path), _state(store), asked, partial(count, store, *args, **kwargs))
    return cast(Result, found)


@st.cache_data(max_entries=ENTRIES, show_spinner=False)
def _kept(path: str, state: str, asked: str, _count: Callable[[], Any]) -> Any:
    return _count()


def _state(store: Store) -> str:
    """Name the state that counts are a function of: what the derived tables stand for, and the last event."""
    refresh(store)
    return f"{store.meta('selection_key')}|{store.value('SELECT max(event_id) FROM event')}"
