"""Marks of characters that nobody sees or that were decoded wrongly, and of a response with next to nothing in it."""

import re
import unicodedata

from srt_core.importing.marks.mark import Mark, Original, quote, say_found

_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u00ad\u061c\u180e\u200b\u2028\u2029\u2060-\u2064\u206a-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
    "|(?<=[A-Za-z])[\u200c\u200d](?=[A-Za-z])"
    "|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Joiners are part of emoji and of many scripts, so they are looked for between Latin letters alone."""
_LAYOUT = str.maketrans("", "", "\n\r\t")
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_FLAG = "\U0001f3f4"
"""Tag characters that follow it spell a region's flag."""
_NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Thai, Lao, Burmese and Khmer put zero-width spaces between words, to say where a line may break."""


def hidden_characters(sample: Original) -> str | None:
    """Find the first character that takes no place on a screen and has no part in spelling."""
    for part, text in sample.texts:
        if text.isascii() and text.translate(_LAYOUT).isprintable():
            continue
        for found in _HIDDEN.finditer(text):
            if not _belongs(found[0], text):
                name = unicodedata.name(found[0], "control character").lower()
                return f"U+{ord(found[0]):04X} ({name}) in the {part}, at character {found.start() + 1:,}"
    return None


def _belongs(letter: str, text: str) -> bool:
    if letter in _DIRECTION:
        return bool(_RIGHT_TO_LEFT.search(text))
    if letter == "\u200b":
        return bool(_NO_SPACES.search(text))
    return letter >= "\U000e0020" and _FLAG in text


_BROKEN = re.compile("\ufffd|â€[™œ˜¦“”\u009d\u0153]|â€(?=\\s|$)|Ã[©¨¡³±¶¼¤ª«§¢®]|Â[\u00a0·°»«£©]|ï»¿|ðŸ")


def broken_characters(sample: Original) -> str | None:
    """Find the first trace of a text that was read in another encoding than it was written in."""
    for part, text in sample.texts:
        if not text.isascii() and (found := _BROKEN.search(text)):
            return say_found(text[max(found.start() - 8, 0) : found.end() + 8], part, found.start())
    return None


MOST_CHARACTERS = 200
"""A longer response is more than next to nothing."""
_PLACEHOLDER = re.compile(
    r"\W*(?:n/?a|nan|null|no\s?input|no\s?output|no\s?response|todo|tbd|blank|empty|placeholder|lorem ipsum.*"
    r"|(?:your|insert|enter)\b.{0,30}\bhere|response|output|answer)\W*",
    re.IGNORECASE | re.DOTALL,
)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_ON_SIGNS = re.compile(r"symbol|operator|punctuat|character|\bsign\b|morse|emoji|mark\b|braille|符号|标点|記号")


def near_empty(sample: Original) -> str | None:
    """Find a response without a letter, digit or sign of its own, or with a word that stands for nothing."""
    response = sample.pair.response.strip()
    if response.startswith("<think") and not _THOUGHT.sub("", response).strip():
        return "the response is a thinking block and nothing else"
    if len(response) > MOST_CHARACTERS:
        return None
    if not any(unicodedata.category(letter)[0] in "LNS" and letter != "`" for letter in response):
        if response and _ON_SIGNS.search(sample.asked):
            return None
        return f"the response is {quote(response)}" if response else "the response is empty"
    if _PLACEHOLDER.fullmatch(response) and not _is_asked_for(response, sample):
        return f"the response is {quote(response)}"
    return None


def _is_asked_for(response: str, sample: Original) -> bool:
    """Whether the task names the word itself, as a choice of labels does."""
    return response.strip(" .\"'").lower() in sample.asked


MARKS = (
    Mark(
        "hidden_characters",
        "Hidden characters",
        "A text holds characters that nobody sees, such as zero-width spaces, control characters or soft hyphens.",
        hidden_characters,
    ),
    Mark(
        "broken_characters",
        "Broken characters",
        "A text was read in the wrong encoding somewhere: it holds a replacement character, or â€™ for an apostrophe.",
        broken_characters,
    ),
    Mark(
        "near_empty",
        "Next to no response",
        "The response has no letter, digit or sign, is a word that stands for nothing, such as N/A, or only thinks.",
        near_empty,
    ),
)
