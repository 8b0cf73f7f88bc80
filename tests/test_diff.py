"""The difference of two texts loses nothing, reads well, and is safe to show."""

import html
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from srt_core.project.diff import MAX_TOKENS, DiffSpan, Side, _ends_apart, diff_html, plain_html, word_diff

WORDS = st.lists(st.sampled_from(["the", "fox", "a", "<b>", "&amp;", " ", "\n\n", ",", "北", "é", "e\u0301"])).map(
    " ".join
)
TEXTS = st.one_of(st.text(), WORDS)


class TagCollector(HTMLParser):
    """Reads back what a browser would: the tags that stand in the markup and the text between them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read_back(markup: str) -> TagCollector:
    collector = TagCollector()
    collector.feed(markup)
    collector.close()
    return collector


def joined(pieces: list[DiffSpan], *, without: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind != without)


@given(TEXTS, TEXTS)
@example("", "")
@example("a\r\nb", "a\nb")
def test_both_texts_come_back_from_the_pieces(before: str, after: str) -> None:
    """Equal and delete joined give the earlier text, equal and insert the later one, to the character."""
    pieces = word_diff(before, after)
    assert joined(pieces, without="insert") == before
    assert joined(pieces, without="delete") == after


@given(TEXTS, TEXTS)
def test_pieces_are_never_empty_and_never_repeat_a_kind(before: str, after: str) -> None:
    """Neighbouring pieces are of different kinds and hold text, so each is one stretch on the screen."""
    pieces = word_diff(before, after)
    assert all(piece.text for piece in pieces)
    assert all(left.kind != right.kind for left, right in zip(pieces, pieces[1:], strict=False))


def test_the_unit_of_comparison_is_the_word() -> None:
    """A changed word is shown whole, not by its letters."""
    assert word_diff("The quick brown fox jumps", "The slow brown fox leaps") == [
        DiffSpan("equal", "The "),
        DiffSpan("delete", "quick"),
        DiffSpan("insert", "slow"),
        DiffSpan("equal", " brown fox "),
        DiffSpan("delete", "jumps"),
        DiffSpan("insert", "leaps"),
    ]


def test_a_single_word_between_two_edits_is_part_of_the_edit() -> None:
    """An equal island of fewer than two words is joined with the edits around it."""
    assert word_diff("start one and two end here", "start 1 and 2 end here") == [
        DiffSpan("equal", "start "),
        DiffSpan("delete", "one and two"),
        DiffSpan("insert", "1 and 2"),
        DiffSpan("equal", " end here"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("我爱北京天安门", "我爱上海天安门", ("北京", "上海")),
        ("हिन्दी किताब", "हिन्दी कलम", ("किताब", "कलम")),
        ("don't go", "don't stay", ("go", "stay")),
    ],
)
def test_words_of_other_scripts_are_words(before: str, after: str, changed: tuple[str, str]) -> None:
    """A Chinese character is a token of its own, and a vowel sign stays with its letter."""
    pieces = word_diff(before, after)
    assert [piece.text for piece in pieces if piece.kind != "equal"] == list(changed)


def test_long_texts_are_compared_by_lines() -> None:
    """Above the token limit a line that differs in one word is shown changed as a whole."""
    same = "word " * MAX_TOKENS + "\n"
    assert word_diff(same + "one two\n", same + "one three\n") == [
        DiffSpan("equal", same),
        DiffSpan("delete", "one two\n"),
        DiffSpan("insert", "one three\n"),
    ]


def test_texts_of_more_lines_than_are_compared_share_their_ends() -> None:
    """A megabyte of one-word lines is one change between what both begin and end with: it would take 3 GB otherwise."""
    same = "word\n" * 100_000
    changed = "".join(f"{at}\n" for at in range(MAX_TOKENS + 1))
    assert word_diff(same + changed + same, same + "one\n" + same) == [
        DiffSpan("equal", same),
        DiffSpan("delete", changed),
        DiffSpan("insert", "one\n"),
        DiffSpan("equal", same),
    ]
    assert word_diff(same, same + "one\n") == [DiffSpan("equal", same), DiffSpan("insert", "one\n")]


@given(st.lists(st.sampled_from("ab")), st.lists(st.sampled_from("ab")))
def test_the_ends_that_lines_share_are_theirs_alone(before: list[str], after: list[str]) -> None:
    """No line is lost or counted twice, also where the two ends would meet."""
    assert tuple("".join(tokens) for tokens in _ends_apart(before, after)) == ("".join(before), "".join(after))


@given(TEXTS, TEXTS, st.sampled_from(["unified", "before", "after"]))
@example("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "unified")
def test_no_text_becomes_markup(before: str, after: str, side: Side) -> None:
    """The only tags are our own, whatever the texts hold."""
    assert set(read_back(diff_html(before, after, side)).tags) <= {"div", "ins", "del"}
    assert read_back(plain_html(before)).tags == ["div"]


@given(TEXTS, TEXTS)
def test_a_side_shows_its_text_and_nothing_of_the_other(before: str, after: str) -> None:
    """What a side displays is the text of that side: control and zero-width characters included."""
    assert html.escape(before) in plain_html(before)
    for side, text, left_out in (("before", before, "insert"), ("after", after, "delete")):
        shown = read_back(diff_html(before, after, side)).text  # type: ignore[arg-type]
        assert shown == text == joined(word_diff(before, after), without=left_out)


def test_changes_are_marked_by_more_than_colour() -> None:
    """Insertions are underlined and deletions struck through, so that a colour-blind reader sees them."""
    markup = diff_html("old words here", "new words here")
    assert markup.index("line-through") < markup.index(">old</del>")
    assert markup.index("underline") < markup.index(">new</ins>")


def test_direction_controls_stay_inside_their_piece() -> None:
    """A right-to-left override in an insertion cannot turn the text around it."""
    markup = diff_html("a b", "a \u202eb")
    assert 'dir="auto"' in markup
    assert "unicode-bidi:isolate" in markup
