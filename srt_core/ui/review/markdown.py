"""Texts read as Markdown, as plain data: names of elements from a list of our own, and texts. No markup is ever made.

markdown-it parses, with HTML off: what looks like it stays text. Links and images stand as text with their addresses,
formulas as they were written. The browser makes elements of these names alone, and text nodes of the texts.
"""

import re
from collections.abc import Iterable
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

Node = str | list["str | int | list[Node]"]
"""A text, or an element: its name, what is in it and, of an ordered list, the number that it begins with."""

_ELEMENTS = {
    "paragraph": "p", "heading": "heading", "blockquote": "blockquote", "bullet_list": "ul", "ordered_list": "ol",
    "list_item": "li", "table": "table", "thead": "thead", "tbody": "tbody", "tr": "tr", "th": "th", "td": "td",
    "em": "em", "strong": "strong", "s": "s",
}  # fmt: skip
_LEAVES = {"code_inline": "code", "code_block": "pre", "fence": "pre", "math": "math"}
_FORMULA = re.compile(
    r"\$\$[^$]+\$\$|\$(?!\s)[^$\n]+?(?<!\s)\$(?!\d)|\\\((?:[^\\]|\\(?!\)))+\\\)|\\\[(?:[^\\]|\\(?!\]))+\\\]"
)
"""LaTeX between dollars or \\( \\) and \\[ \\]; of two prices a digit follows the second dollar."""


def read_markdown(text: str) -> list[Node]:
    """Return a text read as Markdown."""
    return _nodes(_parser().parse(text))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "math", _formula)
    return parser


def _formula(state: StateInline, silent: bool) -> bool:
    """Take a formula as it stands: its signs are no emphasis."""
    found = state.src[state.pos] in "$\\" and _FORMULA.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        state.push("math", "", 0).content = found.group()
    state.pos = found.end()
    return True


def _nodes(tokens: Iterable[Token]) -> list[Node]:
    """Return tokens as a tree."""
    root: list[Node] = []
    within = [root]
    links: list[str] = []
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind == "link":
            if token.nesting > 0:
                links.append(str(token.attrs.get("href", "")))
            else:
                within[-1].append(f" ({links.pop()})")
        elif kind in _ELEMENTS and not token.hidden:
            if token.nesting > 0:
                inside: list[Node] = []
                start = [int(token.attrs["start"])] if "start" in token.attrs else []
                within[-1].append([_ELEMENTS[kind], inside, *start])
                within.append(inside)
            else:
                within.pop()
        elif token.nesting == 0:
            within[-1].extend(_leaf(token))
    return root


def _leaf(token: Token) -> list[Node]:
    if token.type == "inline":
        return _nodes(token.children or ())
    if token.type in _LEAVES:
        return [[_LEAVES[token.type], [token.content]]]
    if token.type == "hr":
        return [["hr", []]]
    if token.type in ("softbreak", "hardbreak"):
        return ["\n"]
    if token.type == "image":
        return [f"![{token.content}]({token.attrs.get('src', '')})"]
    return [token.content]
