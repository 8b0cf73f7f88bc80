"""Cached counts, recomputed when the project changes: a rerun after which nothing has changed costs nothing."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from srt_core.project.store import Store
from srt_core.select.derive import refresh

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def remembered(
    count: Callable[Concatenate[Store, Arguments], Result],
    store: Store,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Return count(store, ...), from memory where candidates, scores, policy in use and decisions are as they were.

    What it gives must be small, and is to be read only. The arguments are told apart by how they are written.
    """
    refresh(store)
    asked = f"{count.__module__}.{count.__qualname__}{args}{sorted(kwargs.items())}"
    state = store.meta("selection_key"), store.value("SELECT max(event_id) FROM event")
    return store.remember((asked, *state), lambda: count(store, *args, **kwargs))
