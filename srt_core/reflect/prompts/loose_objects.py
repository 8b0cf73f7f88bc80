"""Objects that models write in place of JSON: in other quotation marks, or with quotation marks not escaped.

Each is read only where it can be read in one way. A text is never changed, and nothing is made up for what is missing.
"""

import json
import re
from typing import Final

_ESCAPE: Final = r"\\(?:[\\'\"nrt]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|U(?:000[0-9a-fA-F]|0010)[0-9a-fA-F]{4})"
# A quotation mark of the kind that opened a string ends it: where one stands within a text, no token fits behind it.
_TOKEN: Final = re.compile(
    rf"""(?P<space>\s+)|(?P<mark>[{{}}\[\],:])|(?P<word>(?:-?\d+(?:\.\d+)?|true|false|null|True|False|None)\b)
    |"(?P<straight>(?:[^"\\]|{_ESCAPE}|\\[bf/])*)"|'(?P<single>(?:[^'\\\n]|{_ESCAPE})*)'
    |\u201c(?P<curly>(?:[^\u201c\u201d\\]|{_ESCAPE})*)\u201d""",
    re.VERBOSE,
)
_WORDS: Final = {"True": "true", "False": "false", "None": "null"}


def as_json(text: str, start: int) -> tuple[str, int] | None:
    """Return the object that begins at `start` as JSON, and the offset of its end; None where it is not one.

    It may be written as a Python literal, or with typographic quotation marks around its strings.
    """
    written: list[str] = []
    place, depth = start, 0
    while token := _TOKEN.match(text, place):
        place = token.end()
        written.append(_token(token))
        if token["mark"]:
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token["mark"], 0)
            if not depth:
                return "".join(written), place
    return None


def _token(token: re.Match[str]) -> str:
    """Return a token as JSON has it."""
    for kind in ("straight", "single", "curly"):
        if (body := token[kind]) is not None:
            return _string(body)
    return _WORDS.get(token[0], token[0])


def _string(body: str) -> str:
    """Return the body of a string as a JSON string: its own escapes stay, other quotation marks are escaped."""
    return '"' + re.sub(r'\\(.)(?:(?<=x)(..)|(?<=U)(.{8}))?|"', _escape, body, flags=re.DOTALL) + '"'


def _escape(found: re.Match[str]) -> str:
    """Write one escape, or a bare quotation mark, as JSON has it."""
    match found[1]:
        case None:
            return '\\"'
        case "'":
            return "'"
        case "x" | "U":
            return json.dumps(chr(int(found[2] or found[3], 16)))[1:-1]
    return found[0]


_END: Final = re.compile(r'"\s*\}\s*(?:```\s*)?\Z')
_BARE: Final = re.compile(r'\\.|(")', re.DOTALL)
_ENTRY: Final = re.compile(r'"\s*[,{]\s*"[^"\n]{0,80}"\s*:')
_CLOSED: Final = re.compile(r'"\s*[}\]]')


def read_open_quotes(keys: tuple[str, ...], text: str) -> dict[str, str] | None:
    """Return the sections of a reply that is one JSON object in whose texts quotation marks are not escaped.

    None where it could be read in another way: a section is not there exactly once, a text has an odd number of such
    marks, or something that looks like the end of the object or another entry.
    """
    names = "|".join(keys)
    marks = list(re.finditer(rf'(?P<before>\A\s*(?:```\w*\s*)?\{{|",)\s*"(?P<key>{names})"\s*:\s*"', text))
    end = _END.search(text, marks[-1].end()) if marks else None
    if not end or sorted(mark["key"] for mark in marks) != sorted(keys) or marks[0]["before"].endswith(","):
        return None
    ends = [*(mark.start() for mark in marks[1:]), end.start()]
    texts = [text[mark.end() : at] for mark, at in zip(marks, ends, strict=True)]
    if any(not _is_plain(each) for each in texts):
        return None
    try:
        values = [json.loads(f'"{_BARE.sub(_escaped, each)}"', strict=False) for each in texts]
    except json.JSONDecodeError:
        return None
    found = {mark["key"]: value for mark, value in zip(marks, values, strict=True)}
    return {key: found[key] for key in keys}


def _is_plain(text: str) -> bool:
    """Return whether bare quotation marks come in pairs, and none could end the text or begin another entry."""
    bare = sum(bool(found[1]) for found in _BARE.finditer(text))
    return bare % 2 == 0 and not _ENTRY.search(text) and not _CLOSED.search(text)


def _escaped(found: re.Match[str]) -> str:
    return '\\"' if found[1] else found[0]
