"""Texts read as Markdown: a tree of names of our own and of texts, whatever they hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srt_core.ui.review.markdown import Node, read_markdown

NAMES = {"p", "heading", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "em", "strong",
         "s", "code", "pre", "math", "hr"}  # fmt: skip
HOSTILE = [
    "<script>window.harmed=1</script>", '<img src=x onerror="window.harmed=1">', "<svg/onload=alert(1)>",
    "<style>body{display:none}</style>", '<iframe src="javascript:alert(1)"></iframe>', "<a href='javascript:x'>y</a>",
    "[y](javascript:window.harmed=1)", "[y](data:text/html,<script>1</script>)", "![x](http://198.51.100.7/b.png)",
    "[a]: javascript:alert(1)\n\n[a]", "<http://198.51.100.7/>", "<!-- comment -->", "&lt;script&gt;",
]  # fmt: skip


def walk(nodes: list[Node]) -> Iterator[tuple[str, Any]]:
    """Every node: its name ("" for a text) and what is in it."""
    for node in nodes:
        if isinstance(node, str):
            yield "", node
        else:
            name, inside, *start = node
            assert isinstance(name, str) and isinstance(inside, list) and all(isinstance(each, int) for each in start)
            yield name, inside
            yield from walk(inside)


def said(text: str) -> str:
    """All texts of what is read."""
    return "".join(inside for name, inside in walk(read_markdown(text)) if not name)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("# One\n\ntwo **three** `four`", [["heading", ["One"]],
                                           ["p", ["two ", ["strong", ["three"]], " ", ["code", ["four"]]]]]),
        ("3. a\n4. *b*\n", [["ol", [["li", ["a"]], ["li", [["em", ["b"]]]]], 3]]),
        ("```python\nx = 1 < 2\n```\n---", [["pre", ["x = 1 < 2\n"]], ["hr", []]]),
        ("one\ntwo\\\nthree", [["p", ["one", "\n", "two", "\n", "three"]]]),
        ("> a ~~b~~", [["blockquote", [["p", ["a ", ["s", ["b"]]]]]]]),
        ("|a|b|\n|-|-|\n|1|2|", [["table", [
            ["thead", [["tr", [["th", ["a"]], ["th", ["b"]]]]]],
            ["tbody", [["tr", [["td", ["1"]], ["td", ["2"]]]]]]]]]),
        ("$a_1 * b_2 * c$ and \\(x_1*y*\\)", [["p", [["math", ["$a_1 * b_2 * c$"]], " and ",
                                                     ["math", ["\\(x_1*y*\\)"]]]]]),
        ("It costs $5 and $6.", [["p", ["It costs $5 and $6."]]]),
        ("[home](https://a.example/?q=<b>)", [["p", ["home", " (https://a.example/?q=%3Cb%3E)"]]]),
    ],
)  # fmt: skip
def test_what_is_meant_is_read(text: str, tree: list[Node]) -> None:
    """Headings, lists, tables, code and emphasis become nodes; formulas, links and images stand as text."""
    assert read_markdown(text) == tree


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_stays_text(text: str) -> None:
    """HTML, scripts and addresses of any kind are in texts and nowhere else."""
    for name, inside in walk(read_markdown(f"before {text} after\n\n{text}\n")):
        assert not name or name in NAMES
        assert name or isinstance(inside, str)
    for telling in ("script", "onerror", "onload", "javascript:", "198.51.100.7", "comment", "iframe", "style"):
        assert (telling in said(text)) == (telling in text)


@given(st.text(alphabet="[](){}<>*_`~!#|$\\-+=.:;&'\"/ \n\t123abc\u202e\u0000", max_size=120) | st.text())
def test_whatever_is_read_is_of_the_list(text: str) -> None:
    """No text makes an element that is not on the list, and none breaks the reading."""
    assert {name for name, _ in walk(read_markdown(text))} <= {"", *NAMES}


MANY = [("[", 20_000), ("> ", 5_000), ("- ", 5_000), ("*", 20_000), ("`", 20_000), ("$", 20_000), ("![", 9_000)]


@pytest.mark.parametrize("text", [sign * number for sign, number in MANY], ids=[sign for sign, _ in MANY])
def test_a_text_of_signs_is_read_and_not_too_deep(text: str) -> None:
    """Signs in great number neither break the reading nor make a tree that a browser could not draw."""

    def depth(nodes: list[Node]) -> int:
        return 1 + max((depth(node[1]) for node in nodes if not isinstance(node, str)), default=0)  # type: ignore[arg-type]

    assert depth(read_markdown(text)) < 60
