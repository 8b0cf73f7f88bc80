"""The tags of sections in a reply: how they may be written, and where they stand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from srt_core.reflect.prompts.sections import loose_name, watched_keys

# Opening tags may follow list bullets or a heading mark, closing tags only spaces; both may follow invisible characters
# (zero-width space, word joiner, byte order mark), which some models emit.
_BULLETS: Final = re.compile(r"[ \t\u200b\u2060\ufeff]*(?:(?:[-*+\u2022]|\d{1,2}[.)])[ \t]+|#{1,6}[ \t]*)*")
_INVISIBLE: Final = "\u200b\u2060\ufeff"
_MOST_INVISIBLE: Final = 3
_SPACE: Final = re.compile(r"[ \t]*")
_LONGEST_BULLETS: Final = 40
_LINE_END: Final = re.compile(r"[ \t\r\u200b\ufeff]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class TagMark:
    """One section tag in the text, opening or closing (`closes`).

    `indent`: what stands before it on its line, None where that is more than spaces or bullets. `ends_line`: nothing
    follows on its line. `quoted`: it stands in backticks.
    """

    start: int
    end: int
    key: str
    closes: bool
    indent: str | None
    ends_line: bool
    quoted: bool

    @property
    def starts_line(self) -> bool:
        """Whether only spaces or bullets stand before it on its line."""
        return self.indent is not None


def first_tag(keys: tuple[str, ...], text: str) -> int:
    """Return the offset of the first section tag at the start of a line; the text's length where there is none."""
    return next((mark.start for mark in find_marks(text, loose_tag(keys)) if mark.starts_line), len(text))


def second_reply(keys: tuple[str, ...], text: str) -> bool:
    """Return whether the text after a complete reply begins another one."""
    return bool(_second(keys).search(text))


@cache
def _second(keys: tuple[str, ...]) -> re.Pattern[str]:
    names, last = "|".join(map(loose_name, keys)), loose_name(keys[-1])
    heading = rf"^[^\w\n]{{0,12}}{last}[*_]{{0,3}}[ \t]*:|^[ \t]*(?:#{{1,6}}[ \t]+|\*\*){last}(?:\*\*)?[ \t]*$"
    return re.compile(rf'"(?:{names})"\s*:|^[ \t]*</?(?:{names})>|{heading}', re.M | re.I)


@cache
def exact_tag(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of tags as the prompt asks for them."""
    return re.compile(rf"<(?P<slash>/?)(?P<name>{'|'.join(watched_keys(keys))})>")


@cache
def loose_tag(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of tags in other case, with spaces or attributes, in bold or in backticks."""
    names = "|".join(map(loose_name, watched_keys(keys)))
    tag = rf"<[ \t]*(?P<slash>\\?/)?[ \t]*(?P<name>{names})(?:\s+[\w:-]+\s*=[^<>\n]{{0,200}})?[ \t]*>"
    return re.compile(rf"(?P<deco>[*_`]{{1,3}})?{tag}(?(deco)(?P=deco))", re.I)


@cache
def escaped_tag(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of tags whose angle brackets are HTML entities."""
    names = "|".join(map(loose_name, watched_keys(keys)))
    return re.compile(rf"&lt;[ \t]*(?P<slash>/?)[ \t]*(?P<name>{names})[ \t]*&gt;", re.I)


def find_marks(text: str, pattern: re.Pattern[str]) -> Iterator[TagMark]:
    """Yield all section tags, in order."""
    for match in pattern.finditer(text):
        start = _with_invisible(text, match.start())
        yield TagMark(
            start=start,
            end=match.end(),
            key=match["name"].lower().replace(" ", "_").replace("-", "_"),
            closes=bool(match["slash"]),
            indent=_indent(text, start, _SPACE if match["slash"] else _BULLETS),
            ends_line=bool(_LINE_END.match(text, match.end())),
            quoted=text[start - 1 : start] == "`" == text[match.end() : match.end() + 1],
        )


def _with_invisible(text: str, start: int) -> int:
    """Return the offset of the invisible characters right before an offset, or that itself."""
    # Not in the patterns: those that begin with a literal are searched for much faster.
    floor = max(start - _MOST_INVISIBLE, 0)
    while start > floor and text[start - 1] in _INVISIBLE:
        start -= 1
    return start


def _indent(text: str, start: int, allowed: re.Pattern[str]) -> str | None:
    """Return what stands before an offset on its line, if that is only what is allowed there; else None."""
    # Looking back a bounded distance keeps this linear for a reply that is one very long line full of tags.
    floor = max(0, start - _LONGEST_BULLETS)
    line = text.rfind("\n", floor, start) + 1
    if not line and floor:
        return None
    before = text[line:start]
    return before if allowed.fullmatch(before) else None
