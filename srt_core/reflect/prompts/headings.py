"""Parse a reply whose sections stand under headings instead of tags.

Nothing marks the end of the last section, so a reply is accepted only where nothing suggests that it is incomplete.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from srt_core.reflect.prompts.sections import loose_name, watched_keys
from srt_core.reflect.prompts.tags import without_blank_ends
from srt_core.reflect.prompts.texts import is_end_marker
from srt_core.reflect.prompts.verdicts import Refusal, ambiguous, missing, stray

_TALK: Final = re.compile(
    r"(?:let me know|feel free|i hope|hope this|would you like|if you(?:'d| would) like|please let me|note:|"
    r"this (?:new|revised|improved|rewritten|updated) )",
    re.I,
)
_RULE: Final = re.compile(r"[ \t]*(?:-{3,}|\*{3,}|_{3,}|={3,})[ \t]*")
_LABEL: Final = re.compile(r"[ \t]*(?:#{1,6}[ \t].*|(\*\*|__)[^*_\n]+:?\1:?)[ \t]*")
_YAML: Final = re.compile(r"[ \t]*[|>][+-]?\d?[ \t]*\n")
_QUOTED: Final = re.compile(r"\s*([\"']).*\1,?\s*", re.DOTALL)
_WHOLE_FENCE: Final = re.compile(r"\s*```\w*[ \t]*\n(.*)\n```\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Heading:
    key: str
    start: int
    end: int
    is_marked: bool


def read_headings(keys: tuple[str, ...], text: str, *, has_stopped: bool) -> dict[str, str] | Refusal | None:
    """Return the sections under headings, each exactly once and in order; None where there is no heading of a section.

    Headings are `### Name`, `**Name:**`, `1. **Name**:`, `Name:` and the like. `has_stopped`: the finish reason says
    that the teacher ended the reply itself.
    """
    fenced = _WHOLE_FENCE.fullmatch(text)
    text = fenced[1] if fenced else text
    found = _headings(keys, text)
    if not found:
        return None
    # A plain "Name:" may also be a line of a text. Where every section has a marked heading, only those count.
    marked = [heading for heading in found if heading.is_marked]
    headings = marked if {heading.key for heading in marked} >= set(keys) else found
    for key in keys:
        if key not in {heading.key for heading in headings}:
            return missing(key)
    if tuple(heading.key for heading in headings) != keys:
        return ambiguous("The sections' headings stand more than once or out of order.")
    ends = [heading.start for heading in headings[1:]] + [len(text)]
    bodies = [text[heading.end : end] for heading, end in zip(headings, ends, strict=True)]
    if not has_stopped:
        return ambiguous("Nothing marks where the last section under a heading ends.")
    if any(_YAML.match(body) for body in bodies) or (headings is not marked and _QUOTED.fullmatch(bodies[-1])):
        return ambiguous("The reply is written as YAML or the like, which is not read.")
    return _sections(keys, bodies)


def _headings(keys: tuple[str, ...], text: str) -> list[_Heading]:
    names = "|".join(map(loose_name, watched_keys(keys)))
    lead = r"^[ \t]*(?P<lead>(?:[-*+\u2022][ \t]+|\d{1,2}[.)][ \t]*|#{1,6}[ \t]*){0,3})"
    name = rf"(?P<deco>\*{{1,3}}|_{{1,3}}|`)?(?:\d{{1,2}}[.)][ \t]*)?\[?(?P<name>{names})\]?"
    tail = r"(?P<in>:)?(?(deco)(?P=deco))(?P<out>[ \t]*:)?(?P<rest>[ \t]*(?=[^\s:*_`]|[*_`\[(\"])|[ \t\r]*$)"
    found = []
    for match in re.compile(lead + name + tail, re.M | re.I).finditer(text):
        is_marked = bool(match["deco"]) or "#" in match["lead"] or bool(re.search(r"\d", match["lead"]))
        has_colon = bool(match["in"] or match["out"])
        ends_line = text[match.end() : match.end() + 1] in ("", "\n")
        if has_colon or (is_marked and ends_line):
            key = re.sub("[ -]", "_", match["name"].lower())
            found.append(_Heading(key, match.start(), match.end(), is_marked))
    return found


def _sections(keys: tuple[str, ...], bodies: Sequence[str]) -> dict[str, str] | Refusal:
    sections = {}
    for key, body in zip(keys, bodies, strict=True):
        lines = without_blank_ends(body.lstrip(" \t")).split("\n")
        if key == keys[-1] and is_end_marker(lines[-1]):
            lines.pop()
        lines = _without_rule(lines)
        if key != keys[-1] and len(lines) > 1 and _LABEL.fullmatch(lines[-1]):
            if key.startswith("new_"):
                return stray(key, "ends in a heading that is no part of it")
            lines = _without_rule(lines[:-1])
        sections[key] = without_blank_ends("\n".join(lines))
    return _refuse_end(sections[keys[-1]]) or sections


def _without_rule(lines: list[str]) -> list[str]:
    """Drop a horizontal rule at the end of a section, and the blank lines around it."""
    kept = without_blank_ends("\n".join(lines)).split("\n")
    return without_blank_ends("\n".join(kept[:-1])).split("\n") if _RULE.fullmatch(kept[-1]) else kept


def _refuse_end(last: str) -> Refusal | None:
    """Refuse a reply whose end may be cut off, or may be a remark about the reply."""
    if len(re.findall(r"^[ \t]*(?:```|~~~)", last, re.M)) % 2:
        return ambiguous("The last section under a heading ends within a code block.")
    if _TALK.match(last.rstrip().rpartition("\n")[2].lstrip(" \t*_(")):
        return ambiguous("The last section under a heading may end in words about the reply.")
    return None
