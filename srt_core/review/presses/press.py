"""One press of the desk: what it does to which sample, upon what its reader saw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from srt_core.errors import DecisionError
from srt_core.records import Origin, Pair

MOST_CHARACTERS = 2_000
"""Of a note, a tag or a reason."""


class PressKind(StrEnum):
    """What a press does."""

    KEEP = "keep"
    EDIT = "edit"
    LEAVE_OUT = "leave_out"
    PARK = "park"
    UNDO = "undo"
    READ = "read"
    """A blind reading."""
    SETTLE = "settle"
    """Says which stands, a blind reading or the decision that it contradicts."""
    NOTE = "note"
    RATE = "rate"
    """By the rubric; `upon` is the edit that is rated, where the version is one."""
    TAG = "tag"
    UNTAG = "untag"


@dataclass(frozen=True, slots=True)
class Press:
    """One press on a sample."""

    press_id: str
    kind: PressKind
    sample: str
    upon: int | None = None
    """The event that the reader saw: of the standing decision (None: undecided); of an undo, what it undoes; of a
    settlement, the reading."""
    after: str = ""
    """The reader's own press in the place of `upon`, where its event was not known yet."""
    candidate_id: int | None = None
    """The version to keep, or the one that was edited."""
    origin: Origin | None = None
    """Of the version that was edited."""
    repairs: Origin | None = None
    """The version that failed and is written by hand."""
    edited: Pair | None = None
    text: str = ""
    """A note, a tag, or the reason for leaving out."""
    agrees: bool = False
    """Whether the sample was left out because the rule does so."""
    shown: str = ""
    """Of a reading, the seal of what was shown."""
    marked: tuple[int, ...] = ()
    """Of a reading, the places (from 1) of the versions that may be trained on; of a settlement, the one to keep."""
    best: int | None = None
    decision_stands: bool = False
    """Of a settlement."""
    rubric: tuple[tuple[str, int, bool], ...] = ()
    """Of a rating, dimension, points and whether there is a flaw."""


def parse(sent: Mapping[str, Any]) -> Press:
    """Return a press as the desk sent it; DecisionError where it is none."""
    try:
        texts = sent.get("edited")
        return Press(
            _text(sent, "id"), PressKind(sent["kind"]), _text(sent, "sample"), _number(sent, "upon"),
            _text(sent, "after"), _number(sent, "candidate"), _origin(sent, "origin"), _origin(sent, "repairs"),
            Pair(_text(texts, "instruction"), _text(texts, "response"), _text(texts, "input")) if texts else None,
            _text(sent, "text")[:MOST_CHARACTERS].strip(), sent.get("agrees") is True, _text(sent, "shown"),
            tuple(int(place) for place in sent.get("marked", ())), _number(sent, "best"),
            sent.get("decision_stands") is True, tuple(_lines(sent.get("rubric") or {})),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DecisionError("The desk sent a press that is none.", "Load the page again.") from error


def _text(sent: Mapping[str, Any], name: str) -> str:
    found = sent.get(name) or ""
    if not isinstance(found, str):
        raise TypeError(name)
    return found


def _lines(sent: Mapping[str, Any]) -> Iterator[tuple[str, int, bool]]:
    for name, (points, is_flawed) in sent.items():
        yield str(name), int(points), is_flawed is True


def _number(sent: Mapping[str, Any], name: str) -> int | None:
    found = sent.get(name)
    return None if found is None else int(found)


def _origin(sent: Mapping[str, Any], name: str) -> Origin | None:
    return Origin(sent[name]) if sent.get(name) else None
