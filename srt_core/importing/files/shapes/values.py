"""What a value of a file is as text, and what it is as one of the curator's own columns."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

from srt_core.errors import DatasetError
from srt_core.importing.files.records import describe
from srt_core.importing.files.shapes.asides import MEDIA_KEYS

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e"
_BLANK = " \t\r\n\v\f\u00a0\u2028\u2029\u3000" + _INVISIBLE

PLACEHOLDERS = frozenset({
    "nan", "none", "null", "n/a", "na", "<noinput>", "<no input>", "noinput", "no input", "<nooutput>", "nooutput",
    "<no output>", "no output",
})  # fmt: skip
"""What people and data frames write for nothing, in lower case."""

_ANSWERS = {"text", "answer_start"}
"""How SQuAD and its like write the answers that stand in a context."""


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: no characters, white space, or characters of no width."""
    rest = text.strip()
    return not rest or (rest[0] in _INVISIBLE and not rest.strip(_BLANK))


def is_placeholder(text: str) -> bool:
    """Whether a text is one of the words for nothing."""
    return len(text) < 16 and text.strip(_BLANK).rstrip(".").lower() in PLACEHOLDERS  # noqa: PLR2004 (the longest)


def is_nothing(value: object) -> bool:
    """Whether a value is null, or NaN, which data frames write for missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def read_text(value: object, label: str, column: str) -> str | None:
    """Return a value as text; None for null and NaN. Numbers and truth values are written as JSON has them.

    Raises:
        DatasetError: it is a list of several, an object, or binary data.
    """
    if isinstance(value, str):
        return value
    if is_nothing(value):
        return None
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict) and value.keys() == _ANSWERS:
        return read_text(value["text"], label, column)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        return read_text(value[0], label, column)
    hints: dict[type, str] = {
        list: "Keep one of them in the file, or make a record of each.",
        dict: "Write it as text in the file, or map the column that holds the text.",
        bytes: "Write it as text in the file.",
    }
    raise DatasetError(f'{label} is {describe(value)}, not text (column "{column}").', hints.get(type(value), ""))


def keep(value: object) -> object:
    """Return a value as JSON can hold it: null, NaN and infinity as None, times and exact decimals as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        if value.keys() == MEDIA_KEYS and value["bytes"] is not None:  # its path, not its bytes
            return {"path": value["path"]} if value["path"] else None
        return {str(name): keep(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [keep(each) for each in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else None


def parse_json(value: object) -> object:
    """Return what a text holds that is a JSON list or object; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
