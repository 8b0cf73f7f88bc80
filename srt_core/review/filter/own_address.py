"""Conditions on the columns of the curator's own in the address: read, written, and said in words.

They are one JSON object by column: a value, a list of values, or an object with any of is, contains, from and to.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from srt_core.errors import SRTError
from srt_core.review.filter.own import OwnCondition

_PARTS = {"is", "contains", "from", "to"}
_SHAPE = 'Give it as in {"source": "web", "tag": ["a", "b"], "votes": {"from": 3}, "title": {"contains": "bird"}}.'


def read_own(text: str) -> tuple[OwnCondition, ...]:
    """Read the conditions. SRTError where they are not such an object."""
    try:
        found = json.loads(text or "{}")
        return tuple(_read(column, asked) for column, asked in dict.items(found))
    except (ValueError, TypeError) as error:
        raise SRTError(f"The filter gives extra as '{text}'.", _SHAPE) from error


def write_own(conditions: Sequence[OwnCondition]) -> str:
    """Write the conditions; "" for none."""
    written = {each.column: _write(each) for each in conditions}
    return json.dumps(written, ensure_ascii=False) if written else ""


def describe_own(condition: OwnCondition) -> str:
    """Say a condition in words. It quotes the data set."""
    values = " or ".join(f"'{value}'" for value in condition.among)
    said = [f"is {values}"] if values else []
    if condition.contains:
        said.append(f"contains '{condition.contains}'")
    if condition.ends:
        ends = zip(("from", "to"), condition.ends, strict=True)
        said.append(" ".join(f"{name} {end:g}" for name, end in ends if math.isfinite(end)))
    return f"{condition.column} {' and '.join(said)}"


def _read(column: str, asked: object) -> OwnCondition:
    parts: Mapping[str, Any] = asked if isinstance(asked, dict) else {"is": asked}
    among = parts.get("is", [])
    among = [among] if isinstance(among, str) else among
    contains, low, high = parts.get("contains", ""), parts.get("from", -math.inf), parts.get("to", math.inf)
    is_text = isinstance(contains, str) and isinstance(among, list) and all(isinstance(each, str) for each in among)
    if not is_text or not set(parts) <= _PARTS or math.isnan(low) or math.isnan(high):
        raise ValueError(column)
    ends = None if (low, high) == (-math.inf, math.inf) else (float(low), float(high))
    condition = OwnCondition(column, tuple(among), contains, ends)
    if not condition:
        raise ValueError(column)
    return condition


def _write(condition: OwnCondition) -> object:
    if not condition.contains and not condition.ends:
        return condition.among[0] if len(condition.among) == 1 else list(condition.among)
    low, high = condition.ends or (-math.inf, math.inf)
    parts = {
        "is": list(condition.among) or None,
        "contains": condition.contains or None,
        "from": low if math.isfinite(low) else None,
        "to": high if math.isfinite(high) else None,
    }
    return {name: value for name, value in parts.items() if value is not None}
