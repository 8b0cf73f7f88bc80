"""Parse tagged sections, if there is exactly one way to read them.

The text of a section may itself mention the tags, for example when an instruction is about prompts. So a section does
not end at its first closing tag: it ends where its closing tag is followed by the opening tag of the next section
(`_seam`). Tags that are then left inside a text are accepted only as mentions: within a line, or in code (`_is_stray`).
A reply that allows two readings is refused, because a wrong one would put a part of the critique into the data.
"""

import re
import textwrap
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from srt_core.reflect.prompts.marks import TagMark, escaped_tag, exact_tag, find_marks, loose_tag, second_reply
from srt_core.reflect.prompts.sections import watched_keys
from srt_core.reflect.prompts.verdicts import Refusal, RefusalReason, ambiguous, missing, stray

_LONGEST_REMARK: Final = 200
_REPLY_END: Final = re.compile(r"\s*(?:```\s*)?\Z")
_FENCE: Final = re.compile(r"^[ \t]*(?:```|~~~)", re.M)
_ENTITIES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "#39": "'", "#x27": "'", "#34": '"'}
_ENTITY: Final = re.compile(f"&({'|'.join(_ENTITIES)});")


@dataclass(frozen=True, slots=True)
class _Section:
    """The pair of tags around a section's text."""

    opening: TagMark
    closing: TagMark

    @property
    def is_block(self) -> bool:
        """Whether the text stands on lines between its tags, as the prompt asks, and not on a line with them."""
        return self.opening.ends_line and self.closing.starts_line


def read_tags(keys: tuple[str, ...], text: str) -> dict[str, str] | Refusal | None:
    """Return the sections between tags as asked for, else between variants of them. None where there is no such tag."""
    # Only when a section is missing are variants tried: they match more, so they would also match more mentions.
    exact = _read(keys, text, exact_tag(keys))
    if not isinstance(exact, Refusal) or exact.reason is not RefusalReason.MISSING_SECTION:
        return exact
    loose = loose_tag(keys)
    if loose.search(text):
        return _read(keys, text, loose)
    escaped = escaped_tag(keys)
    if escaped.search(text):
        return _unescape(_read(keys, text, escaped))
    return None


def _read(keys: tuple[str, ...], text: str, pattern: re.Pattern[str]) -> dict[str, str] | Refusal:
    watched = watched_keys(keys)
    marks = [mark for mark in find_marks(text, pattern) if mark.key in watched]
    refusal = _refuse_missing(keys, text, marks)
    if refusal:
        return refusal
    sections = _sections(keys, text, marks)
    if sections is None:
        return ambiguous("The sections' tags can be read in several ways or stand out of order.")
    bodies = {}
    # The borders are settled; now every tag that is left inside a section must be a mention of a tag.
    for key, section in zip(keys, sections, strict=True):
        inner = [mark for mark in marks if section.opening.end <= mark.start and mark.end <= section.closing.start]
        bodies[key] = text[section.opening.end : section.closing.start]
        if _is_stray(section, key, bodies[key], inner):
            return stray(key, "holds tags of a section on the border of a line, where one could begin or end")
    indents = [section.opening.indent or "" for section in sections]
    return {key: _dedent(_trim(body), indent) for (key, body), indent in zip(bodies.items(), indents, strict=True)}


def _refuse_missing(keys: tuple[str, ...], text: str, marks: Sequence[TagMark]) -> Refusal | None:
    """Return a refusal for the first section that has no possible opening tag, or no closing tag; else None."""
    # An opening tag counts at the start of a line, directly behind another section's closing tag, or, for the first
    # section, anywhere. Elsewhere it is a mention in the text of another section.
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


def _sections(keys: tuple[str, ...], text: str, marks: Sequence[TagMark]) -> list[_Section] | None:
    """Return the sections if there is exactly one way to read the tags, else None."""
    beside: dict[tuple[str, str], list[tuple[TagMark, TagMark]]] = {}
    for one, two in pairwise(marks):
        if one.closes and not two.closes:
            beside.setdefault((one.key, two.key), []).append((one, two))
    seams = [_seam(text, beside.get(two, ())) for two in pairwise(keys)]
    found = [seam for seam in seams if seam]
    if len(found) < len(seams):
        return None
    opening = _opening(keys[0], marks, found[0][0].start)
    closing = _closing(keys[-1], text, marks, found[-1][1].end)
    if not opening or not closing:
        return None
    borders = [opening, *(mark for seam in found for mark in seam), closing]
    # Each seam was found on its own, so they may still be out of order.
    if any(before.end > after.start for before, after in pairwise(borders)):
        return None
    if keys[-2] == "new_instruction" and _may_hold_input(text[found[-1][0].end : found[-1][1].start]):
        return None
    # A section tag that begins a line before or behind the reply is a draft of it, or another version of it.
    outside = (mark for mark in marks if mark.end <= opening.start or mark.start >= closing.end)
    if any(mark.starts_line for mark in outside) or second_reply(keys, text[closing.end :]):
        return None
    return [_Section(*two) for two in zip(borders[::2], borders[1::2], strict=True)]


def _may_hold_input(gap: str) -> bool:
    """Return whether text between the new instruction and the new response may be input that the instruction needs.

    A short remark is dropped; dropping an input would leave an instruction that cannot be answered.
    """
    return len(gap.strip()) > _LONGEST_REMARK or bool(re.search(r"\b(?:new_?)?(?:input|context)\b", gap, re.I))


def _seam(text: str, borders: Sequence[tuple[TagMark, TagMark]]) -> tuple[TagMark, TagMark] | None:
    """Return the closing tag of a section and the opening tag of the one after it; None unless unambiguous.

    `borders`: every two such tags that stand next to each other. They are ranked by what stands between them: white
    space with a line break, as the prompt asks; other white space; words, where the opening tag begins a line. The best
    rank that occurs must occur exactly once.
    """
    found: tuple[list[tuple[TagMark, TagMark]], ...] = ([], [], [])
    for one, two in borders:
        gap = text[one.end : two.start]
        if _is_blank(gap) or (two.indent is not None and _is_blank(gap.removesuffix(two.indent))):
            found[0 if "\n" in gap else 1].append((one, two))
        elif "\n" in gap and two.starts_line:
            found[2].append((one, two))
    first = next(filter(None, found), [])
    return first[0] if len(first) == 1 else None


def _opening(key: str, marks: Sequence[TagMark], end: int) -> TagMark | None:
    """Return the opening tag of the first section, at the start of a line, else anywhere; None unless unambiguous."""
    opened = [mark for mark in marks if mark.key == key and not mark.closes and mark.end <= end]
    found = [mark for mark in opened if mark.starts_line] or opened
    return found[0] if len(found) == 1 else None


def _closing(key: str, text: str, marks: Sequence[TagMark], start: int) -> TagMark | None:
    """Return the closing tag of the last section; None unless unambiguous.

    It stands on a line of its own or at the end of the reply; where no such tag exists, any single closing tag counts.
    """
    closed = [mark for mark in marks if mark.key == key and mark.closes and mark.start >= start]
    if not closed:
        return None
    alone = [mark for mark in closed[:-1] if mark.starts_line and mark.ends_line]
    last = closed[-1]
    if (last.starts_line and last.ends_line) or _REPLY_END.match(text, last.end):
        alone.append(last)
    found = alone or closed
    return found[0] if len(found) == 1 else None


def _is_stray(section: _Section, key: str, body: str, inner: Sequence[TagMark]) -> bool:
    """Return whether tags within a text may be more than mentions of tags, so that the text may be cut wrongly.

    A rewrite may show them in a code fence, or, indented and balanced, as XML that happens to use the same names. A
    critique needs neither, so in a critique every tag that begins or ends a line is refused.
    """
    is_rewrite = key.startswith("new_")
    fences = _fences(body) if is_rewrite else []
    # An odd number of fences before a tag means that the tag is inside a code block.
    shown = (bisect(fences, mark.start - section.opening.end) % 2 for mark in inner)
    bare = [mark for mark, in_code in zip(inner, shown, strict=True) if not in_code and not mark.quoted]
    if not section.is_block:  # text and tags share lines, so nothing tells a mention from a border
        return bool(bare)
    if not any(mark.starts_line or mark.ends_line for mark in bare):
        return False
    # At the indent of the section's own tag, a tag is more likely a border than XML shown in the text.
    margin = len(section.opening.indent or "")
    at_margin = any(mark.indent is not None and len(mark.indent) <= margin for mark in bare)
    return at_margin or not is_rewrite or any(mark.key.startswith("new_") for mark in bare) or not _is_balanced(bare)


def _fences(body: str) -> list[int]:
    """Return the offsets of the code fences of a text; [] where the last one stays open."""
    places = [match.start() for match in _FENCE.finditer(body)]
    return places if len(places) % 2 == 0 else []


def _is_balanced(marks: Sequence[TagMark]) -> bool:
    """Return whether every opened tag is closed, the inner ones first."""
    opened: list[str] = []
    for mark in marks:
        if not mark.closes:
            opened.append(mark.key)
        elif not opened or opened.pop() != mark.key:
            return False
    return not opened


def _unescape(sections: dict[str, str] | Refusal) -> dict[str, str] | Refusal:
    """Replace entities by characters where the whole reply is escaped.

    Refused where only a part is: then `&lt;` may be an escaped "<" or what the text really says.
    """
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
    """Remove blank lines at both ends, and spaces between the text and a tag on the same line."""
    lines = body.split("\n")
    lines[0] = lines[0].lstrip()
    lines[-1] = lines[-1].rstrip()
    return without_blank_ends("\n".join(lines))


def _dedent(text: str, indent: str) -> str:
    """Remove the indent of a text whose tags are indented, as in XML."""
    return textwrap.dedent(text) if indent and not indent.strip(" \t") else text


def without_blank_ends(text: str) -> str:
    """Return a text without the blank lines at both ends."""
    lines = text.split("\n")
    full = [number for number, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[full[0] : full[-1] + 1]) if full else ""
