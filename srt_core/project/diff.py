"""Word-level difference of two texts, and its rendering as escaped HTML.

A character difference of two paraphrases is noise, so texts are compared by words. Text from a data set or a teacher
reaches the page only through the escaping here.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Indel, Levenshtein

SpanKind = Literal["equal", "insert", "delete"]
Side = Literal["unified", "before", "after"]

MAX_TOKENS = 20_000
"""Above this many words in a text the two are compared by lines, and above this many lines as a whole but for the lines
that they begin and end with: time and memory grow with the product of both."""

MIN_ISLAND_WORDS = 2
"""An equal span between two edits with fewer words than this is merged into the edit."""


@dataclass(frozen=True, slots=True)
class DiffSpan:
    """A span of text that is in both texts (equal), only in the later (insert) or only in the earlier (delete)."""

    kind: SpanKind
    text: str


def _combining_marks() -> str:
    """Return the marks and joiners that belong to the letter before them, as the inside of a character class."""
    characters = map(chr, range(0x300, 0xFE30))
    return "".join(c for c in characters if unicodedata.category(c).startswith("M")) + "\u200c\u200d"


# Scripts written without spaces, where one character is about one word.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_MARKS = _combining_marks()
_WORD = rf"[{_CJK}]|(?:(?![{_CJK}])[\w{_MARKS}])+"
_TOKEN_PATTERN = re.compile(rf"\s+|{_WORD}|.[{_MARKS}]*", re.DOTALL)
_WORD_PATTERN = re.compile(_WORD)


def edit_distance(before: str, after: str) -> int:
    """Return how many characters are to be added, removed or replaced to make one text of another (Levenshtein)."""
    return int(Levenshtein.distance(before, after))


def word_diff(before: str, after: str) -> list[DiffSpan]:
    """Compare two texts by words (by lines above MAX_TOKENS tokens).

    Returns:
        Spans in reading order, never two of the same kind in a row and none empty; a deletion stands before the
        insertion that replaces it. Equal and delete joined give `before`, equal and insert joined give `after`.
    """
    tokens_before, tokens_after = _tokenise_both(before, after)
    runs = []
    for op in Indel.opcodes(*_number(tokens_before, tokens_after)):
        run_before = tokens_before[op.src_start : op.src_end]
        run_after = tokens_after[op.dest_start : op.dest_end]
        runs.append(("".join(run_before), "".join(run_after)))
    return list(_spans_of(_join_edits(runs)))


LEAST_ALIKE = 0.25
"""Two texts of which less is alike are better read side by side as they are: their words in common are chance."""


def share_alike(spans: Sequence[DiffSpan]) -> float:
    """Return the share of two texts' characters that is in both, by their difference; 1 of two empty texts."""
    both = 2 * sum(len(span.text) for span in spans if span.kind == "equal")
    one = sum(len(span.text) for span in spans if span.kind != "equal")
    return both / (both + one) if both + one else 1.0


def diff_html(before: str, after: str, side: Side = "unified", most: int | None = None) -> str:
    """Return the difference as one escaped <div>, safe to show as it is.

    Args:
        before: the earlier text.
        after: the later text.
        side: `unified` shows both, `before` leaves the insertions out, `after` the deletions.
        most: so many characters of each text are compared and shown; None for all.
    """
    left_out = {"unified": None, "before": "insert", "after": "delete"}[side]
    spans = word_diff(before[:most], after[:most])
    rest = _rest(before if side == "before" else after, most)
    return _block("".join(_render(span) for span in spans if span.kind != left_out) + rest)


def plain_html(text: str, most: int | None = None) -> str:
    """Return a text, or `most` characters of it, as one escaped <div> like a side of `diff_html`."""
    return _block(html.escape(text[:most]) + _rest(text, most))


def _rest(text: str, most: int | None) -> str:
    """Say how many characters are not shown, in a way that is no text's."""
    more = len(text) - (len(text) if most is None else most)
    return f'<i style="opacity:0.7"> … {more:,} more characters</i>' if more > 0 else ""


def _tokenise_both(before: str, after: str) -> tuple[list[str], list[str]]:
    """Split both texts by words, or, where one has too many, both by lines, or by what they do not share at the ends.

    The tokens joined are the text.
    """
    tokens = _TOKEN_PATTERN.findall(before), _TOKEN_PATTERN.findall(after)
    if max(map(len, tokens)) <= MAX_TOKENS:
        return tokens
    lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return lines if max(map(len, lines)) <= MAX_TOKENS else _ends_apart(*lines)


def _ends_apart(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """Join the lines that both begin with, those that both end with, and those between."""
    shorter = min(len(before), len(after))
    begin = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    left = shorter - begin
    end = next((at for at in range(left) if before[-1 - at] != after[-1 - at]), left)
    first, second = (
        ["".join(lines[:begin]), "".join(lines[begin : len(lines) - end]), "".join(lines[len(lines) - end :])]
        for lines in (before, after)
    )
    return list(filter(None, first)), list(filter(None, second))


def _number(before: Sequence[str], after: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return equal tokens as equal numbers: rapidfuzz compares hashes, and those of strings can collide."""
    number = {token: place for place, token in enumerate(dict.fromkeys([*before, *after]))}
    return [number[token] for token in before], [number[token] for token in after]


def _join_edits(runs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Join neighbouring edits, and edits with only a few equal words between them (an island).

    A run is (text before, text after), equal where both are the same.
    """
    edit = ("", "")
    for place, run in enumerate(runs):
        is_edge = place in (0, len(runs) - 1)
        if run[0] == run[1] and (is_edge or not _is_island(run[0])):
            if any(edit):
                yield edit
            yield run
            edit = ("", "")
        else:
            edit = (edit[0] + run[0], edit[1] + run[1])
    if any(edit):
        yield edit


def _is_island(text: str) -> bool:
    words = _WORD_PATTERN.finditer(text)
    return sum(1 for _ in zip(range(MIN_ISLAND_WORDS), words, strict=False)) < MIN_ISLAND_WORDS


def _spans_of(runs: Iterable[tuple[str, str]]) -> Iterator[DiffSpan]:
    for before, after in runs:
        if before == after:
            yield DiffSpan("equal", before)
            continue
        if before:
            yield DiffSpan("delete", before)
        if after:
            yield DiffSpan("insert", after)


# Marked by a line as well as by colour. `isolate` keeps a right-to-left override within its span.
_INSERT_STYLE = (
    "color:inherit;background:light-dark(#d3f2dc,#153d24);unicode-bidi:isolate;"
    "text-decoration:underline;text-decoration-color:light-dark(#1a7f37,#56d364);text-underline-offset:3px"
)
_DELETE_STYLE = (
    "color:inherit;background:light-dark(#fddcd9,#4a1f1c);unicode-bidi:isolate;"
    "text-decoration:line-through;text-decoration-color:light-dark(#b42318,#ff9b93)"
)
_BLOCK_STYLE = "white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext"


def _render(span: DiffSpan) -> str:
    text = html.escape(span.text)
    if span.kind == "insert":
        return f'<ins style="{_INSERT_STYLE}">{text}</ins>'
    if span.kind == "delete":
        return f'<del style="{_DELETE_STYLE}">{text}</del>'
    return text


def _block(content: str) -> str:
    return f'<div dir="auto" style="{_BLOCK_STYLE}">{content}</div>'
