"""What the desk in the browser is told when it asks: a tab of the drawer, texts in full, what a reading left open."""

from collections.abc import Collection, Mapping
from typing import Any

from srt_core.errors import DecisionError
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.trust import blind
from srt_core.review.trust.blind import Question
from srt_core.ui.frame.words import ORIGIN_LABELS, describe_decision
from srt_core.ui.review import drawer
from srt_core.ui.review.cards import texts, whole
from srt_core.ui.review.seat import Seat
from srt_core.ui.review.tokens import look
from srt_core.ui.sample.summary import read_sample
from srt_core.ui.server.runtime import Project


def in_drawer(
    project: Project, asked: Mapping[str, Any], seat: Seat, mixed: Collection[str], *, is_asked: bool = False
) -> dict[str, Any]:
    """Return what a tab of the drawer holds of a sample; `is_asked` has what is missing there computed."""
    if seat.audit:
        raise DecisionError("What is read blind has no drawer.", "Read it first.")
    store, tab, name, shown = project.store, asked.get("tab"), str(asked["sample"]), str(asked.get("shown"))
    sample = read_sample(store, name)
    found: dict[str, Any] = {"tab": tab, "sample": name, "shown": shown}
    if tab == "tokens":
        origin = Origin(shown) if shown in sample.rewrites else None
        return {**found, "tokens": look(project, sample, origin, is_asked=is_asked)}
    if tab == "rubric":
        return {**found, "rubric": drawer.rubric(store, sample, shown, seat.by)}
    only = seat.by if name in mixed or seat.is_blind(store, name) else None
    blocks = {
        "critique": lambda: drawer.critique(store, sample, shown),
        "replies": lambda: drawer.replies(store, sample),
        "history": lambda: drawer.history(store, sample, only),
        "similar": lambda: drawer.similar(store, sample, seat, mixed),
        "failed": lambda: drawer.failed(sample),
    }
    return {**found, "blocks": blocks[tab]()} if tab in blocks else found


def in_full(store: Store, name: str, seat: Seat) -> dict[str, Any]:
    """Return the texts of a sample in full, in the order in which its card has the versions."""
    sample = read_sample(store, name)
    if seat.audit:
        pairs = {key: each.pair for key, each in sample.readings.items()}
        shown = blind.shuffled(seat.audit, name, seat.by, list(pairs))
        return {"sample": name, "versions": [whole(pairs[key]) for key in shown]}
    return {"sample": name, "versions": [whole(each) for each in sample.in_card]}


def question(store: Store, asked: Question) -> dict[str, Any]:
    """Return what a reading left to be said; by now the versions have their names."""
    sample = read_sample(store, asked.sample)
    names = {key: ORIGIN_LABELS[each.origin] for key, each in sample.readings.items()}
    return {
        "sample": asked.sample,
        "reading": asked.reading,
        "decided": describe_decision(asked.action, asked.origin),
        "by": asked.author,
        "marked": [names.get(key, f"version {key}") for key in asked.marks.marked],
        "versions": [
            {"label": ORIGIN_LABELS[each.origin], "parts": texts(each.pair)} for each in sample.readings.values()
        ],
    }
