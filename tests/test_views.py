"""Saved views: kept in the project under a name, logged, and never lost to each other."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.review.filter.views import NAME_CHARACTERS, delete_view, find_view, save_view, views
from tests.empty_project import create_empty


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty project."""
    with create_empty(tmp_path / "p.srt") as store:
        yield store


def test_a_view_is_found_by_its_name_until_it_is_deleted(store: Store) -> None:
    """Saving adds or replaces one view; deleting takes one; each is an event with its author."""
    assert views(store) == {}
    save_view(store, " Hard code ", {"task": "code"}, "ann")
    save_view(store, "<b>*all*</b>", {}, "ann")
    save_view(store, "Hard code", {"task": "code", "sort": "number"}, "bob")
    assert list(views(store)) == ["<b>*all*</b>", "Hard code"]
    assert find_view(store, "Hard code") == {"task": "code", "sort": "number"}
    delete_view(store, "<b>*all*</b>", "bob")
    assert list(views(store)) == ["Hard code"]
    found = events.events(store, EventFilter(kind="view"), 10)
    assert [event.author for event in found] == ["bob", "bob", "ann", "ann"]
    assert found[0].context == {"deleted": "<b>*all*</b>"}


@pytest.mark.parametrize("name", ["", "  ", "x" * (NAME_CHARACTERS + 1)])
def test_a_view_needs_a_name(store: Store, name: str) -> None:
    """An empty or endless name is refused and saves nothing."""
    with pytest.raises(SRTError):
        save_view(store, name, {}, "ann")
    assert views(store) == {}


def test_a_view_that_is_not_there_is_said(store: Store) -> None:
    """Opening or deleting an unknown view names those there are."""
    save_view(store, "mine", {}, "ann")
    with pytest.raises(SRTError, match="mine"):
        find_view(store, "theirs")
    with pytest.raises(SRTError):
        delete_view(store, "theirs", "ann")


def test_views_that_two_save_at_once_are_all_kept(store: Store) -> None:
    """What one thread saves or deletes never takes away what another saved meanwhile."""
    start = threading.Barrier(2)

    def save_often(by: str) -> None:
        start.wait()
        for number in range(30):
            save_view(store, f"{by} {number}", {}, by)
            if number % 3 == 0:
                delete_view(store, f"{by} {number}", by)

    with ThreadPoolExecutor() as pool:
        list(pool.map(save_often, ("ann", "bob")))
    assert views(store).keys() == {f"{by} {number}" for by in ("ann", "bob") for number in range(30) if number % 3}
    assert events.count_events(store, EventFilter(kind="view")) == 2 * 40
