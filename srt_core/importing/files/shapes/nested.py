"""Messages that stand in an object: turns by number, a message with its replies, a request of a chat endpoint."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from srt_core.importing.files.shapes.values import parse_json

REPLIES = "replies"
_NUMBERED = re.compile(r"\D*(\d+)")


def list_messages(value: object) -> Sequence[object] | None:
    """Return the messages that a value holds, perhaps written as JSON; None where it holds none."""
    value = parse_json(value)
    if isinstance(value, Mapping):
        if isinstance(value.get("messages"), list):
            return list(value["messages"])
        return best_thread(value)[0] if is_tree(value) else _by_number(value)
    return value if isinstance(value, list) else None


def is_tree(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a message with its replies."""
    return isinstance(value, Mapping) and isinstance(value.get(REPLIES), list)


def best_thread(tree: Mapping[str, Any]) -> tuple[list[Mapping[str, object]], int]:
    """Return the messages from a tree's root along the best reply to each, and how many other replies were passed.

    The best has the lowest `rank`; without ranks it is the first.
    """
    thread: list[Mapping[str, object]] = []
    others = 0
    node: Mapping[str, Any] | None = tree
    while node is not None:
        thread.append({name: value for name, value in node.items() if name != REPLIES})
        replies = [each for each in node.get(REPLIES) or () if isinstance(each, Mapping)]
        others += max(len(replies) - 1, 0)
        node = min(replies, key=_rank, default=None)
    return thread, others


def _rank(reply: Mapping[str, object]) -> float:
    rank = reply.get("rank")
    return rank if isinstance(rank, int | float) else float("inf")


def _by_number(value: Mapping[str, object]) -> Sequence[object] | None:
    """Return objects that stand under turn_1, turn_2 and so on, by their numbers."""
    found = {name: _NUMBERED.fullmatch(str(name)) for name in value}
    if not value or not all(found.values()) or not all(isinstance(each, Mapping) for each in value.values()):
        return None
    return [value[name] for name in sorted(value, key=lambda name: int((found[name] or [0, 0])[1]))]
