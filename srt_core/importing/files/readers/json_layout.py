"""What a JSON file is: a list of records, records one after another, or one object that holds them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from srt_core.errors import DatasetError
from srt_core.importing.files.readers.json_stream import FIRST_NAME, JsonRecords, Window
from srt_core.importing.files.readers.text import HEAD_BYTES
from srt_core.importing.files.records import Record, Reject
from srt_core.importing.files.shapes.names import CHOSEN, MAYBE_MESSAGES, MESSAGES, TREES, folded, is_pair
from srt_core.importing.files.shapes.nested import is_tree
from srt_core.importing.files.shapes.roles import is_message

WHOLE_CHARACTERS = 16_777_216
"""Up to this size one object that holds everything is looked at whole."""

_MARK = re.compile(r"[\s\ufeff]*")
_COLON = re.compile(r"\s*:\s*")
_COMMA = re.compile(r"\s*,?\s*")
_RECORDS = re.compile(r"\[\s*[\[{\]]")
_NONE = re.compile(r"\[\s*\]")
_MORE = re.compile(r"[\s,]*\S")
_LINE_OF_AN_OBJECT = re.compile(r"[\r\n]" + FIRST_NAME.pattern)
_LINES_OF_LISTS = re.compile(r"[^\n]*\][ \t]*,?\r?\n\s*\[")

Rows = Iterator[Record | Reject]


def read_json(name: str, file: TextIO, key: str | None = None) -> tuple[Rows, JsonRecords | None]:
    """Return the records of a JSON text, and its reader where they are read one by one.

    `key` names the list of an object that holds several.

    Raises:
        DatasetError: the file is one object, and it is not clear where its records are.
    """
    window = Window(file)
    if not window.skip(_MARK):
        return iter(()), None
    while len(window.text) < HEAD_BYTES and window.read_more():
        pass
    if window.text[window.at] == "[" and not key:
        return _reading(window, is_list=not _has_a_list_a_record(window))
    value, follows = _first_value(window)
    if isinstance(value, dict) and not follows:
        return _read_whole(name, window, value, key)
    lists = _lists(window.text, window.at) if value is None and not _begins_again(window) else {}
    if lists or key:
        return _reading_under(name, window, lists, key)
    return _reading(window, is_list=False)


def _reading(window: Window, *, is_list: bool, is_wrapped: bool = False) -> tuple[Rows, JsonRecords]:
    if is_list:
        window.move(window.at + 1)
    records = JsonRecords(window, is_list=is_list, is_wrapped=is_wrapped)
    return records.read(), records


def _has_a_list_a_record(window: Window) -> bool:
    """Whether a text that begins with a bracket has a list a line, or is itself the messages of one conversation."""
    try:
        value, end = window.decode(limit=len(window.text))
    except (ValueError, RecursionError):
        return _LINES_OF_LISTS.match(window.text, window.at) is not None
    if _MORE.match(window.text, end):
        return window.text[end:].lstrip().startswith("[")
    return isinstance(value, list) and bool(value) and all(is_message(each) for each in value)


def _first_value(window: Window) -> tuple[object, bool]:
    """Return the first value where it can be read, else None, and whether anything follows it."""
    if _MORE.match(window.text, window.at) is None:
        return None, False
    try:
        value, end = window.decode(limit=WHOLE_CHARACTERS)
    except (ValueError, RecursionError):
        return None, False
    while not window.ended and not _MORE.match(window.text, end):
        before = window.at
        window.read_more()
        end -= before
    return value, _MORE.match(window.text, end) is not None


def _begins_again(window: Window) -> bool:
    """Whether a later line begins with the name with which the first record begins: it is one of many, and broken."""
    name = FIRST_NAME.match(window.text, window.at)
    return name is not None and any(each[1] == name[1] for each in _LINE_OF_AN_OBJECT.finditer(window.text, name.end()))


def _lists(text: str, at: int) -> dict[str, int]:
    """Return the lists of objects or lists under the keys of the object at a place, with where they begin.

    A key of an object within it is named with a dot: data.train.
    """
    at += 1
    found: dict[str, int] = {}
    decode = json.JSONDecoder().raw_decode
    try:
        while True:
            at = _skip(_COMMA, text, at)
            key, at = decode(text, at)
            at = _skip(_COLON, text, at)
            if _RECORDS.match(text, at):
                found[str(key)] = at
            elif text.startswith("{", at):
                found |= {f"{key}.{inner}": place for inner, place in _lists(text, at).items()}
            _, at = decode(text, at)
    except (ValueError, RecursionError):
        return {key: at for key, at in found.items() if not _NONE.match(text, at)} or found


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    if match is None:
        raise ValueError(at)
    return match.end()


def _reading_under(name: str, window: Window, lists: Mapping[str, int], key: str | None) -> tuple[Rows, JsonRecords]:
    """Read the list under a key: the one that was asked for, or the only one."""
    listed = ", ".join(f'"{each}"' for each in lists)
    if key is None and len(lists) > 1:
        raise DatasetError(f"{name} holds lists of records under {listed}.", f"Say which: --key {next(iter(lists))}.")
    if key is not None and key not in lists:
        raise DatasetError(f'{name} has no list of records under "{key}".', f"It has lists under {listed or 'no key'}.")
    window.move(lists[key if key is not None else next(iter(lists))])
    return _reading(window, is_list=True, is_wrapped=True)


def _read_whole(
    name: str, window: Window, value: dict[str, object], key: str | None
) -> tuple[Rows, JsonRecords | None]:
    """Read a file that is one object: a record, columns, or lists of records under keys."""
    table = None if key else _table(value)
    if table is not None:
        return (Record(row, None, fields) for row, fields in enumerate(table, start=1)), None
    lists = _lists(window.text, window.at)
    if key or (lists and not _is_record(value)):
        return _reading_under(name, window, lists, key)
    return _reading(window, is_list=False)


def _is_record(value: Mapping[str, object]) -> bool:
    names = {folded(name) for name in value}
    if is_pair(names) or "instances" in names and names & {"instruction", "definition"}:
        return True
    held = {folded(name): each for name, each in value.items()}
    if any(is_tree(held.get(name)) for name in TREES):
        return True
    return any(
        isinstance(each, list) and each and (is_message(each[0]) or isinstance(each[0], str))
        for name, each in held.items()
        if name in (*MESSAGES, *MAYBE_MESSAGES, CHOSEN)
    )


def _table(value: Mapping[str, object]) -> Sequence[Mapping[str, object]] | None:
    """Return the rows of an object of columns or rows, as data frames are written; None where it is none."""
    names = {folded(name) for name in value}
    cells = list(value.values())
    if names >= {"columns", "data"} and isinstance(value["columns"], list) and isinstance(value["data"], list):
        return [dict(zip(value["columns"], row, strict=False)) for row in value["data"]]
    if all(isinstance(each, dict) and is_pair({folded(name) for name in each}) for each in cells):
        return [each for each in cells if isinstance(each, dict)]
    if not is_pair(names):
        return None
    if (
        all(isinstance(each, list) for each in cells)
        and len({len(each) for each in cells if isinstance(each, list)}) == 1
    ):
        return [
            dict(zip(value, row, strict=True))
            for row in zip(*[each for each in cells if isinstance(each, list)], strict=True)
        ]
    columns = {name: each for name, each in value.items() if isinstance(each, dict)}
    if len(columns) == len(value) and len({tuple(each) for each in columns.values()}) == 1:
        return [{name: each[row] for name, each in columns.items()} for row in next(iter(columns.values()))]
    return None
