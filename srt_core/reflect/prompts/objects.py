"""Parse a reply that is a JSON object."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from srt_core.records import Stage
from srt_core.reflect.prompts.loose_objects import as_json
from srt_core.reflect.prompts.marks import second_reply
from srt_core.reflect.prompts.sections import REWRITE_SECTIONS, loose_name, watched_keys
from srt_core.reflect.prompts.tags import without_blank_ends
from srt_core.reflect.prompts.verdicts import Refusal, RefusalReason, ambiguous, missing

_MOST_OBJECTS: Final = 16
_DEEPEST: Final = 3
_INPUTS: Final = ("input", "new_input", "context", "new_context")
"""Keys of an input beside a new instruction, which is then not self-contained."""
_START: Final = re.compile(r"\{\s*[\"'\u201c]")
_WHOLE: Final = re.compile(r"\s*(?:```\w*\s*)?(?=\{)")
_AFTER: Final = re.compile(r"\s*(?:```\s*)?\Z")
_MOST_KEYS, _MOST_CHARACTERS = 6, 40
"""How much of a reply's own keys is quoted."""
# Objects are decoded to tuples of pairs, so that a repeated key is noticed; strict=False allows line breaks in strings.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=tuple, strict=False)
_Object = tuple[tuple[Any, ...], int]
_Decode = Callable[[str, int], _Object | None]
"""Reads the object that begins at an offset, and says where it ends."""


def read_object(keys: tuple[str, ...], text: str, end: int) -> dict[str, str] | Refusal | None:
    """Return the sections of the first JSON object that starts before `end` and has such keys; None without one.

    Sections may be nested in objects within it. Keys may be written in other case, with spaces or with hyphens.
    """
    for value, after in _objects(text, end, _decode):
        found = list(_entries(watched_keys(keys), value))
        if any(key in keys for key, _ in found):
            return _sections(keys, found, text[after:])
    for value, after in _objects(text, end, _decode_loose):
        found = list(_entries(watched_keys(keys), value))
        if {key for key, _ in found} >= set(keys):  # code in an answer may have a key of ours, not all
            if not _AFTER.match(text, after):
                return ambiguous("The object of the reply may end within one of its texts: more stands behind it.")
            return _sections(keys, found, "")
    if _begun(keys).search(text, 0, end):
        return Refusal(RefusalReason.BROKEN_JSON, "The reply begins as a JSON object but is not a whole, valid one.")
    return None


@cache
def _begun(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of the beginning of an object with such keys."""
    names = "|".join(map(loose_name, keys))
    return re.compile(
        rf"""^[^\w\n]*"(?:{names})"\s*:|\{{\s*"(?:{names})"\s*:|\A\s*(?:```\w*\s*)?\{{\s*['\u201c](?:{names})['\u201d]""",
        re.M | re.I,
    )


def refuse_other_keys(text: str) -> Refusal | None:
    """Refuse a reply that is one JSON object and has none of the sections, by the keys that it has; else None."""
    begin = _WHOLE.match(text)
    decoded = _decode(text, begin.end()) or _decode_loose(text, begin.end()) if begin else None
    if not decoded or not decoded[0] or not _AFTER.match(text, decoded[1]):
        return None
    keys = [name[:_MOST_CHARACTERS] for name, _ in decoded[0][:_MOST_KEYS]]
    said = f"The reply is a JSON object without the keys that were asked for. It has: {', '.join(keys)}."
    return Refusal(RefusalReason.OTHER_KEYS, said)


def unquoted(text: str) -> str:
    """Return the text inside a reply that is one JSON string, such as an object encoded twice; else the reply."""
    bare = text.strip()
    if not (bare.startswith('"') and bare.endswith('"')):
        return text
    try:
        value = json.loads(bare, strict=False)
    except json.JSONDecodeError:
        return text
    return value if isinstance(value, str) else text


def _objects(text: str, end: int, decode: _Decode) -> Iterator[_Object]:
    """Yield the objects that start before `end`, each with the offset of its end."""
    place = 0
    for _ in range(_MOST_OBJECTS):
        start = _START.search(text, place)
        if not start or start.start() >= end:
            return
        decoded = decode(text, start.start())
        place = decoded[1] if decoded else start.end()
        if decoded:
            yield decoded


def _decode(text: str, start: int) -> _Object | None:
    """Return one object and the offset of its end, or None; a comma before a closing bracket is allowed."""
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        return None
    except json.JSONDecodeError:
        pass
    try:
        value, length = _DECODER.raw_decode(_without_trailing_commas(text[start:]))
    except (json.JSONDecodeError, RecursionError):
        return None
    return value, start + length


def _decode_loose(text: str, start: int) -> _Object | None:
    """Return the same of an object in other quotation marks."""
    if not (found := as_json(text, start)):
        return None
    try:
        return _DECODER.decode(_without_trailing_commas(found[0])), found[1]
    except (json.JSONDecodeError, RecursionError):
        return None


def _without_trailing_commas(text: str) -> str:
    """Replace commas before closing brackets by spaces, so that offsets in the text stay the same."""
    return _TRAILING_COMMA.sub(lambda match: match[1] or " ", text)


_TRAILING_COMMA: Final = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


def _entries(keys: tuple[str, ...], value: tuple[Any, ...], depth: int = 0) -> Iterator[tuple[str, object]]:
    """Yield the entries whose keys are sections, also those in objects under other keys."""
    for name, inner in value:
        key = re.sub(r"(?<=[a-z])(?=[A-Z])|[ _-]+", "_", name.strip()).lower()
        if key in keys or (
            key in _INPUTS and keys[-2:] == REWRITE_SECTIONS[Stage.INSTRUCTION] and inner not in ("", None)
        ):
            yield key, inner
        elif isinstance(inner, tuple) and depth < _DEEPEST:
            yield from _entries(keys, inner, depth + 1)


def _sections(keys: tuple[str, ...], found: list[tuple[str, object]], after: str) -> dict[str, str] | Refusal:
    values = dict(found)
    if len(values) < len(found) or second_reply(keys, after):
        return ambiguous("The JSON reply gives sections more than once or in several objects.")
    if not values.keys() <= set(keys):
        extra = ", ".join(sorted(values.keys() - set(keys)))
        return ambiguous(f"The JSON reply also gives {extra}, which was not asked for and belongs to the new pair.")
    if all(_is_described(values.get(key)) for key in keys):
        said = "Every section is an object with a type and a description, as in the schema, and not its text."
        return Refusal(RefusalReason.SCHEMA_ECHO, said)
    sections = {}
    for key in keys:
        text = _text(values.get(key), is_rewrite=key.startswith("new_"))
        if text is None:
            return missing(key, "is not text" if key in values else "is missing")
        sections[key] = without_blank_ends(text)
    return sections


def _is_described(value: object) -> bool:
    """Return whether a value is a property of a schema: an object with a type and a description."""
    return isinstance(value, tuple) and {name for name, _ in value} == {"type", "description"}


def _text(value: object, *, is_rewrite: bool) -> str | None:
    """Return a value as text: a string; for a criterion also a number, or a list of strings."""
    if isinstance(value, str):
        return value
    if is_rewrite or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "\n".join(value)
    return None
