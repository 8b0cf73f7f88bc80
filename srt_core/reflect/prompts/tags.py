"""Reading tagged sections, if there is exactly one way to.

A section's own text may mention tags. Where a section ends is told from a mention by its surroundings: a closing tag,
then the next section's opening tag. What is left inside a text must be a mention within a line or in code.
"""

import re
import textwrap
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from srt_core.reflect.prompts.sections import loose_name, watched_keys
from srt_core.reflect.prompts.verdicts import Refusal, RefusalReason, ambiguous, missing, stray

_BULLETS: Final = re.compile(r"[ \t\u200b\u2060\ufeff]*(?:(?:[-*+\u2022]|\d{1,2}[.)])[ \t]+|#{1,6}[ \t]*)*")
_INVISIBLE: Final = "[\u200b\u2060\ufeff]{0,3}"
_SPACE: Final = re.compile(r"[ \t]*")
_LONGEST_BULLETS: Final = 40
_LONGEST_REMARK: Final = 200
_LINE_END: Final = re.compile(r"[ \t\r\u200b\ufeff]*(?:\n|\Z)")
_REPLY_END: Final = re.compile(r"\s*(?:```\s*)?\Z")
_FENCE: Final = re.compile(r"^[ \t]*(?:```|~~~)", re.M)
_ENTITIES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "#39": "'", "#x27": "'", "#34": '"'}
_ENTITY: Final = re.compile(f"&({'|'.join(_ENTITIES)});")


@dataclass(frozen=True, slots=True)
class _Mark:
    """One tag of ours in the text. `indent` is what stands before it on its line; None where that is words."""

    start: int
    end: int
    key: str
    closes: bool
    indent: str | None
    ends_line: bool
    quoted: bool

    @property
    def starts_line(self) -> bool:
        return self.indent is not None


@dataclass(frozen=True, slots=True)
class _Section:
    """Where a section's text lies, and the tags around it."""

    opening: _Mark
    closing: _Mark

    @property
    def is_block(self) -> bool:
        """Whether both tags stand on lines of their own, as the prompt asks."""
        return self.opening.ends_line and self.closing.starts_line


def read_tags(keys: tuple[str, ...], text: str) -> dict[str, str] | Refusal | None:
    """Read the sections from tags: as asked for, else written in other ways. None where there is no tag of ours."""
    exact = _read(keys, text, _exact(keys))
    if not isinstance(exact, Refusal) or exact.reason is not RefusalReason.MISSING_SECTION:
        return exact
    loose = _loose(keys)
    if loose.search(text):
        return _read(keys, text, loose)
    escaped = _escaped(keys)
    if escaped.search(text):
        return _unescape(_read(keys, text, escaped))
    return None


def first_tag(keys: tuple[str, ...], text: str) -> int:
    """Find where the first tag of ours stands at the start of a line; the text's length where none does."""
    return next((mark.start for mark in _marks(text, _loose(keys)) if mark.starts_line), len(text))


def second_reply(keys: tuple[str, ...], text: str) -> bool:
    """Whether a text after a whole reply begins another one."""
    return bool(_second(keys).search(text))


@cache
def _second(keys: tuple[str, ...]) -> re.Pattern[str]:
    names, last = "|".join(map(loose_name, keys)), loose_name(keys[-1])
    heading = rf"^[^\w\n]{{0,12}}{last}[*_]{{0,3}}[ \t]*:|^[ \t]*(?:#{{1,6}}[ \t]+|\*\*){last}(?:\*\*)?[ \t]*$"
    return re.compile(rf'"(?:{names})"\s*:|^[ \t]*</?(?:{names})>|{heading}', re.M | re.I)


@cache
def _exact(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"{_INVISIBLE}(?P<deco>)<(?P<slash>/?)(?P<name>{'|'.join(watched_keys(keys))})>")


@cache
def _loose(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Write a tag in other case, with spaces or attributes, in bold or in backticks."""
    names = "|".join(map(loose_name, watched_keys(keys)))
    tag = rf"<[ \t]*(?P<slash>\\?/)?[ \t]*(?P<name>{names})(?:\s+[\w:-]+\s*=[^<>\n]{{0,200}})?[ \t]*>"
    return re.compile(rf"{_INVISIBLE}(?P<deco>[*_`]{{1,3}})?{tag}(?(deco)(?P=deco))", re.I)


@cache
def _escaped(keys: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(loose_name, watched_keys(keys)))
    return re.compile(rf"(?P<deco>)&lt;[ \t]*(?P<slash>/?)[ \t]*(?P<name>{names})[ \t]*&gt;", re.I)


def _marks(text: str, pattern: re.Pattern[str]) -> Iterator[_Mark]:
    """Find all tags of ours, in order."""
    for match in pattern.finditer(text):
        yield _Mark(
            start=match.start(),
            end=match.end(),
            key=match["name"].lower().replace(" ", "_").replace("-", "_"),
            closes=bool(match["slash"]),
            indent=_indent(text, match.start(), _SPACE if match["slash"] else _BULLETS),
            ends_line=bool(_LINE_END.match(text, match.end())),
            quoted=text[match.start() - 1 : match.start()] == "`" == text[match.end() : match.end() + 1],
        )


def _indent(text: str, start: int, allowed: re.Pattern[str]) -> str | None:
    """Return what stands before a place on its line, if that is only what is allowed there."""
    floor = max(0, start - _LONGEST_BULLETS)
    line = text.rfind("\n", floor, start) + 1
    if not line and floor:
        return None
    before = text[line:start]
    return before if allowed.fullmatch(before) else None


def _read(keys: tuple[str, ...], text: str, pattern: re.Pattern[str]) -> dict[str, str] | Refusal:
    watched = watched_keys(keys)
    marks = [mark for mark in _marks(text, pattern) if mark.key in watched]
    refusal = _refuse_missing(keys, text, marks)
    if refusal:
        return refusal
    sections = _sections(keys, text, marks)
    if sections is None:
        return ambiguous("The sections' tags can be read in several ways or stand out of order.")
    bodies = {}
    for key, section in zip(keys, sections, strict=True):
        inner = [mark for mark in marks if section.opening.end <= mark.start and mark.end <= section.closing.start]
        bodies[key] = text[section.opening.end : section.closing.start]
        if _is_stray(section, key, bodies[key], inner):
            return stray(key, "holds tags of a section on the border of a line, where one could begin or end")
    indents = [section.opening.indent or "" for section in sections]
    return {key: _dedent(_trim(body), indent) for (key, body), indent in zip(bodies.items(), indents, strict=True)}


def _refuse_missing(keys: tuple[str, ...], text: str, marks: Sequence[_Mark]) -> Refusal | None:
    """Find the first section that has no opening tag where one can be, or no closing tag."""
    closed = {mark.key for mark in marks if mark.closes}
    opened = {mark.key for mark in marks if not mark.closes and mark.starts_line}
    opened |= {
        after.key
        for before, after in pairwise(marks)
        if before.closes and not after.closes and not text[before.end : after.start].strip()
    }
    opened |= {mark.key for mark in marks if not mark.closes and mark.key == keys[0]}
    for key in keys:
        if key not in opened:
            return missing(key)
        if key not in closed:
            return missing(key, "is not closed")
    return None


def _sections(keys: tuple[str, ...], text: str, marks: Sequence[_Mark]) -> list[_Section] | None:
    """Find the one way to read the tags; None where there is none, or more than one."""
    seams = [_seam(text, marks, *two) for two in pairwise(keys)]
    found = [seam for seam in seams if seam]
    if len(found) < len(seams):
        return None
    opening = _opening(keys[0], marks, found[0][0].start)
    closing = _closing(keys[-1], text, marks, found[-1][1].end)
    if not opening or not closing:
        return None
    borders = [opening, *(mark for seam in found for mark in seam), closing]
    if any(before.end > after.start for before, after in pairwise(borders)):
        return None
    if keys[-2] == "new_instruction" and _may_hold_input(text[found[-1][0].end : found[-1][1].start]):
        return None
    outside = (mark for mark in marks if mark.end <= opening.start or mark.start >= closing.end)
    if any(mark.starts_line for mark in outside) or second_reply(keys, text[closing.end :]):
        return None
    return [_Section(*two) for two in zip(borders[::2], borders[1::2], strict=True)]


def _may_hold_input(gap: str) -> bool:
    """Whether words between the new instruction and its response may be material that the instruction needs."""
    return len(gap.strip()) > _LONGEST_REMARK or bool(re.search(r"\b(?:new_?)?(?:input|context)\b", gap, re.I))


def _seam(text: str, marks: Sequence[_Mark], before: str, after: str) -> tuple[_Mark, _Mark] | None:
    """Find where one section ends and the next begins: a closing tag, then the next opening tag.

    First only white space with a line break is looked for between the two, then any white space, then words.
    """
    found: tuple[list[tuple[_Mark, _Mark]], ...] = ([], [], [])
    for one, two in pairwise(marks):
        if one.closes and not two.closes and (one.key, two.key) == (before, after):
            gap = text[one.end : two.start]
            if _is_blank(gap) or (two.indent is not None and _is_blank(gap.removesuffix(two.indent))):
                found[0 if "\n" in gap else 1].append((one, two))
            elif "\n" in gap and two.starts_line:
                found[2].append((one, two))
    first = next(filter(None, found), [])
    return first[0] if len(first) == 1 else None


def _opening(key: str, marks: Sequence[_Mark], end: int) -> _Mark | None:
    """Find where the first section opens: at the start of a line, else anywhere."""
    opened = [mark for mark in marks if mark.key == key and not mark.closes and mark.end <= end]
    found = [mark for mark in opened if mark.starts_line] or opened
    return found[0] if len(found) == 1 else None


def _closing(key: str, text: str, marks: Sequence[_Mark], start: int) -> _Mark | None:
    """Find where the last section closes: on a line of its own or at the reply's end; else at any closing tag."""
    closed = [mark for mark in marks if mark.key == key and mark.closes and mark.start >= start]
    if not closed:
        return None
    alone = [mark for mark in closed[:-1] if mark.starts_line and mark.ends_line]
    last = closed[-1]
    if (last.starts_line and last.ends_line) or _REPLY_END.match(text, last.end):
        alone.append(last)
    found = alone or closed
    return found[0] if len(found) == 1 else None


def _is_stray(section: _Section, key: str, body: str, inner: Sequence[_Mark]) -> bool:
    """Whether tags within a text may be more than mentions of tags.

    A rewrite may show them in a code fence, and, indented and balanced, as XML that has a name in common with ours.
    """
    is_rewrite = key.startswith("new_")
    fences = _fences(body) if is_rewrite else []
    shown = (bisect(fences, mark.start - section.opening.end) % 2 for mark in inner)
    bare = [mark for mark, in_code in zip(inner, shown, strict=True) if not in_code and not mark.quoted]
    if not section.is_block:
        return bool(bare)
    if not any(mark.starts_line or mark.ends_line for mark in bare):
        return False
    margin = len(section.opening.indent or "")
    at_margin = any(mark.indent is not None and len(mark.indent) <= margin for mark in bare)
    return at_margin or not is_rewrite or any(mark.key.startswith("new_") for mark in bare) or not _is_balanced(bare)


def _fences(body: str) -> list[int]:
    """Find the code fences of a text; none where the last one stays open."""
    places = [match.start() for match in _FENCE.finditer(body)]
    return places if len(places) % 2 == 0 else []


def _is_balanced(marks: Sequence[_Mark]) -> bool:
    """Whether every tag that opens is closed, the inner ones first."""
    opened: list[str] = []
    for mark in marks:
        if not mark.closes:
            opened.append(mark.key)
        elif not opened or opened.pop() != mark.key:
            return False
    return not opened


def _unescape(sections: dict[str, str] | Refusal) -> dict[str, str] | Refusal:
    """Turn entities into characters where the whole reply is escaped; half of it cannot be told from its text."""
    if isinstance(sections, Refusal):
        return sections
    whole = "\n".join(sections.values())
    if not _ENTITY.search(whole):
        return sections
    if re.search("[<>]", whole) or "&" in _ENTITY.sub("", whole):
        return ambiguous("The reply is escaped as HTML only in part.")
    return {key: _ENTITY.sub(lambda match: _ENTITIES[match[1]], text) for key, text in sections.items()}


def _is_blank(text: str) -> bool:
    return not text.strip(" \t\r\n\f\v\u200b\u2060\ufeff")


def _trim(body: str) -> str:
    """Take blank lines off both ends, and the spaces between the text and a tag on the text's own line."""
    lines = body.split("\n")
    lines[0] = lines[0].lstrip()
    lines[-1] = lines[-1].rstrip()
    return without_blank_ends("\n".join(lines))


def _dedent(text: str, indent: str) -> str:
    """Take the indent off a text that stands, as in XML, in tags that are indented."""
    return textwrap.dedent(text) if indent and not indent.strip(" \t") else text


def without_blank_ends(text: str) -> str:
    """Take the blank lines off both ends of a text."""
    lines = text.split("\n")
    full = [number for number, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[full[0] : full[-1] + 1]) if full else ""
