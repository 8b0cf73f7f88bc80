"""Rows as records: how a frozen dataclass is made of the columns of a query, worked out once for each kind.

A field takes the column of its name. A StrEnum is made of its value, a tuple of a list, a context of its messages in
JSON, another dataclass of a STRUCT with its fields, and a mapping of a STRUCT or of an object in JSON. Anything else is
taken as DuckDB gives it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from srt_core.records import Context

Made = TypeVar("Made")
_Convert = Callable[[Any], Any]
_Takes = tuple[tuple[int, _Convert | None], ...]
"""For each field of a kind the place of its column, and what makes the field's value of the column's."""


def make_rows(kind: type[Made], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Made]:
    """Make a `kind` of each row; TypeError where the columns are not those of its fields, in any order."""
    takes = _takes(kind, tuple(columns))
    return [_make(kind, takes, values) for values in rows]


def _make(kind: type[Made], takes: _Takes, values: Sequence[Any]) -> Made:
    return kind(*[values[place] if convert is None else convert(values[place]) for place, convert in takes])


_KNOWN: dict[tuple[type, tuple[str, ...]], _Takes] = {}


def _takes(kind: type, columns: tuple[str, ...]) -> _Takes:
    if (kind, columns) not in _KNOWN:
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind)]
        if sorted(names) != sorted(columns):
            raise TypeError(f"{kind.__name__} has the fields {', '.join(names)}; the query gives {', '.join(columns)}.")
        _KNOWN[kind, columns] = tuple((columns.index(name), _converter(hints[name])) for name in names)
    return _KNOWN[kind, columns]


def _converter(hint: Any) -> _Convert | None:
    """Return what makes a field's value of a column's; None where that is the same."""
    if hint is Context:
        return Context.from_json
    if get_origin(hint) in (Union, UnionType):
        inner = [each for each in get_args(hint) if each is not NoneType]
        convert = _converter(inner[0]) if len(inner) == 1 else None
        return None if convert is None else partial(_optional, convert)
    if get_origin(hint) is tuple:
        return tuple
    if get_origin(hint) is Mapping:
        return partial(_mapping, _converter(get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return partial(_nested, hint) if isinstance(hint, type) and is_dataclass(hint) else None


def _optional(convert: _Convert, value: Any) -> Any:
    return None if value is None else convert(value)


def _nested(kind: type[Made], value: Mapping[str, Any]) -> Made:
    return _make(kind, _takes(kind, tuple(value)), tuple(value.values()))


def _mapping(key: _Convert | None, value: Any) -> Mapping[Any, Any]:
    found: Mapping[Any, Any] = json.loads(value) if isinstance(value, str) else value
    return found if key is None else {key(name): held for name, held in found.items()}
