"""A filter as text: the query parameters of an address, a saved view, an option of the command line.

Each condition has a parameter of its own.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from srt_core.errors import SRTError
from srt_core.importing.marks import BY_NAME as MARKS
from srt_core.methods import REASONS
from srt_core.records import Origin
from srt_core.review.filter.facets import LISTED
from srt_core.review.filter.filter import PROBLEMS, STATES, STATUSES, TASKS, Days, Filter, Range, origins_of
from srt_core.review.filter.own_address import read_own, write_own
from srt_core.review.verdicts import RANGES

CHOICES: Mapping[str, Sequence[str]] = {
    "task": TASKS,
    "winner": tuple(map(str, Origin)),
    "reason": REASONS,
    "state": STATES,
    "problem": PROBLEMS,
    "score": STATUSES,
    "mark": tuple(MARKS),
}
"""Conditions with values that are ours; those of LISTED take the values that a project holds."""

LENGTHS = ("characters", "winner_characters")
TEXTS = ("text", "note", "similar")
"""Conditions that hold what is typed."""

_OF_ORIGIN = tuple(f"origin_{name}" for name in RANGES)
NAMES = (*TEXTS, *CHOICES, *LISTED, *LENGTHS, "decided", *RANGES, *_OF_ORIGIN, "extra")
"""The query parameters of a filter."""


def read_written(written: Sequence[str], view: Mapping[str, str] | None = None) -> Filter:
    """Read a filter as the command line takes it: `name=value&name=value`, in one text or several, above a saved view.

    The address of a screen may be given as it is: what is no condition in it, as its order and its page, says nothing.

    Raises:
        SRTError: a text names no condition, or a condition holds what it cannot.
    """
    asked = {name: value for name, value in (view or {}).items() if name in NAMES}
    for text in written:
        is_address = "://" in text.partition("=")[0]
        query = urlsplit(text).query if is_address else text.removeprefix("?")
        found = parse_qsl(query, keep_blank_values=True)
        unknown = [name for name, _ in found if name not in NAMES]
        if not is_address and (unknown or not found):
            raise SRTError(
                f"The filter has no condition {', '.join(unknown or [text])}.",
                f"Write name=value&name=value, as the address of Explore does; the names are {', '.join(NAMES)}.",
            )
        asked |= {name: value for name, value in found if name in NAMES}
    return read_filter(asked)


def read_filter(asked: Mapping[str, str]) -> Filter:
    """Read a filter from query parameters. SRTError where they hold what no filter can."""
    found: dict[str, Any] = {name: _read_choices(name, asked.get(name, "")) for name in CHOICES}
    found |= {name: _read_listed(name, asked.get(name, "")) for name in LISTED}
    found |= {name: _read_range(name, asked.get(name, "")) for name in LENGTHS}
    decided = _read_days(asked.get("decided", ""))
    found |= {name: asked.get(name, "") for name in TEXTS}
    only = Filter(decided=decided, own=read_own(asked.get("extra", "")), **found)
    for name in RANGES:
        if ends := _read_range(name, asked.get(name, "")):
            only = only.with_range(name, "", ends)
        if of_origin := _read_origin_range(name, asked.get(f"origin_{name}", "")):
            only = only.with_range(name, of_origin[0], of_origin[1:])
    return only


def filter_to_address(only: Filter) -> dict[str, str]:
    """Return the query parameters of a filter; none for what it leaves open."""
    written = {"extra": write_own(only.own)}
    written |= {name: getattr(only, name) for name in TEXTS}
    written |= {name: ",".join(getattr(only, name)) for name in CHOICES}
    written |= {name: _write_row(getattr(only, name)) for name in LISTED}
    for name in LENGTHS:
        written[name] = _write_range(getattr(only, name) or ())
    for name, *ends in only.winner_ranges:
        written[name] = _write_range(ends)
    for name, *bounds in only.origin_ranges:
        written[f"origin_{name}"] = _write_range(bounds)
    written["decided"] = ",".join(day.isoformat() if day else "" for day in only.decided or ())
    return {name: text for name, text in written.items() if text}


def _read_choices(name: str, text: str) -> tuple[str, ...]:
    chosen = tuple(filter(None, text.split(",")))
    if unknown := [item for item in chosen if item not in CHOICES[name]]:
        raise SRTError(f"The filter asks for {name} {', '.join(unknown)}.", f"It can be: {', '.join(CHOICES[name])}.")
    return chosen


def _read_listed(name: str, text: str) -> tuple[str, ...]:
    """Read values by commas; one with a comma stands in quotes, as in a CSV file."""
    chosen = tuple(item for row in csv.reader(io.StringIO(text, newline="")) for item in row if item)
    if name in ("cluster", "imported") and not all(item.isascii() and item.isdecimal() for item in chosen):
        raise SRTError(f"The filter gives {name} as '{text}'.", "Give whole numbers, as in 3,7.")
    return chosen


def _write_row(values: Sequence[str]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="").writerow(values)
    return written.getvalue()


def _write_range(values: Sequence[object]) -> str:
    return ",".join(value if isinstance(value, str) else f"{value:.6g}" for value in values)


def _read_range(name: str, text: str) -> Range | None:
    if not text:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError as error:
        raise SRTError(f"The filter gives {name} as '{text}'.", "Give two numbers, as in 0.5,0.9.") from error
    if math.isnan(low) or math.isnan(high):
        raise SRTError(f"The filter gives {name} as '{text}'.", "Give two numbers, as in 0.5,0.9.")
    return low, high


def _read_origin_range(measure: str, written: str) -> tuple[str, float, float] | None:
    name = f"origin_{measure}"
    origin, _, text = written.partition(",")
    if not origin:
        return None
    ends = _read_range(name, text)
    if origin not in origins_of(measure) or ends is None:
        raise SRTError(f"The filter gives {name} as '{origin},{text}'.", "Give it as in RESPONSE,0.5,0.9.")
    return origin, *ends


def _read_days(text: str) -> Days | None:
    if not text:
        return None
    try:
        first, last = (date.fromisoformat(day) if day else None for day in text.split(","))
    except ValueError as error:
        raise SRTError(f"The filter gives decided as '{text}'.", "Give it as in 2026-01-01,2026-01-31.") from error
    return first, last
