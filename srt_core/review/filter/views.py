"""Saved views: a filter with its order under a name, kept in the project as the query parameters of its address."""

import json
from collections.abc import Mapping

from srt_core.errors import SRTError
from srt_core.project.events import append
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction

KEY = "views"
NAME_CHARACTERS = 80


def views(store: Store) -> dict[str, dict[str, str]]:
    """Read the saved views by name, each as query parameters."""
    return _read(store.meta(KEY))


def find_view(store: Store, name: str) -> dict[str, str]:
    """Find a saved view by its name; SRTError lists the names there are."""
    known = views(store)
    _check_known(known, name)
    return known[name]


def save_view(store: Store, name: str, view: Mapping[str, str], by: str) -> None:
    """Save a view under a name, in the place of one that had it before, and log it. SRTError for a bad name."""
    name = name.strip()
    if not name or len(name) > NAME_CHARACTERS:
        raise SRTError("The view has no name that can be kept.", f"Give it one of 1 to {NAME_CHARACTERS} characters.")
    # Read and written in one transaction, so that a view that somebody else saves meanwhile is not lost.
    with store.transaction() as tx:
        _write(tx, {**_read(tx.meta(KEY)), name: dict(view)})
        append(tx, "view", by, {"saved": name, "view": dict(view)})


def delete_view(store: Store, name: str, by: str) -> None:
    """Delete a saved view and log it. SRTError where there is none of that name."""
    with store.transaction() as tx:
        known = _read(tx.meta(KEY))
        _check_known(known, name)
        _write(tx, {key: view for key, view in known.items() if key != name})
        append(tx, "view", by, {"deleted": name})


def _read(text: str | None) -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = json.loads(text or "{}")
    return dict(sorted(known.items()))


def _write(tx: Transaction, known: Mapping[str, Mapping[str, str]]) -> None:
    tx.set_meta(KEY, json.dumps(known, ensure_ascii=False))


def _check_known(known: Mapping[str, object], name: str) -> None:
    if name not in known:
        names = ", ".join(known) or "none so far"
        raise SRTError(f"There is no view {name}.", f"The saved views are: {names}.")
