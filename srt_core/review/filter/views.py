"""Saved views: a filter with its order under a name, kept in the project as the query parameters of its address."""

import json
from collections.abc import Mapping

from srt_core.errors import SRTError
from srt_core.project.events import record
from srt_core.project.store import Store

KEY = "views"
NAME_CHARACTERS = 80


def views(store: Store) -> dict[str, dict[str, str]]:
    """Read the saved views by name, each as query parameters."""
    found: dict[str, dict[str, str]] = json.loads(store.meta(KEY) or "{}")
    return dict(sorted(found.items()))


def find_view(store: Store, name: str) -> dict[str, str]:
    """Find a saved view by its name; SRTError lists the names there are."""
    known = views(store)
    if name not in known:
        names = ", ".join(known) or "none so far"
        raise SRTError(f"There is no view {name}.", f"The saved views are: {names}.")
    return known[name]


def save_view(store: Store, name: str, view: Mapping[str, str], by: str) -> None:
    """Save a view under a name, in the place of one that had it before, and log it. SRTError for a bad name."""
    name = name.strip()
    if not name or len(name) > NAME_CHARACTERS:
        raise SRTError("The view has no name that can be kept.", f"Give it one of 1 to {NAME_CHARACTERS} characters.")
    store.set_meta(KEY, json.dumps({**views(store), name: dict(view)}, ensure_ascii=False))
    record(store, "view", by, {"saved": name, "view": dict(view)})


def delete_view(store: Store, name: str, by: str) -> None:
    """Delete a saved view and log it. SRTError where there is none of that name."""
    find_view(store, name)
    left = {key: view for key, view in views(store).items() if key != name}
    store.set_meta(KEY, json.dumps(left, ensure_ascii=False))
    record(store, "view", by, {"deleted": name})
