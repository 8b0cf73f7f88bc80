"""Remove the thoughts of a reasoning model from its reply."""

import re
from typing import Final

from srt_core.reflect.prompts.sections import loose_name

_NAMES: Final = "think|thinking|thought|thoughts|reasoning"
OPENING: Final = re.compile(rf"^[ \t]*(?:<({_NAMES})>|(\[THINK\])|(\u25c1think\u25b7))", re.M | re.I)
_MOST_BLOCKS: Final = 8


def without_reasoning(keys: tuple[str, ...], text: str) -> str:
    """Return a reply without the reasoning blocks before its sections; "" where a block does not end."""
    for _ in range(_MOST_BLOCKS):
        begins = _beginning(keys).search(text)
        opened = OPENING.search(text, 0, begins.start() if begins else len(text))
        if not opened:
            break
        closed = _closing(opened).search(text, opened.end())
        if not closed:
            return ""
        text = text[: opened.start()] + text[closed.end() :]
    return _without_headless(keys, text)


def _closing(opened: re.Match[str]) -> re.Pattern[str]:
    """Return the pattern of the tag that closes an opened block."""
    if opened[1]:
        return re.compile(rf"</{opened[1]}>", re.I)
    return re.compile(r"\[/THINK\]" if opened[2] else "\u25c1/think\u25b7", re.I)


def _without_headless(keys: tuple[str, ...], text: str) -> str:
    """Drop everything before a lone `</think>`, which some servers send; within the sections it is part of a text."""
    end = re.search(r"</think>|\[/THINK\]|\u25c1/think\u25b7", text, re.I)
    if not end:
        return text
    begins = _beginning(keys)
    is_before = begins.search(text, end.end()) or not begins.search(text, 0, end.start())
    return text[end.end() :] if is_before else text


def _beginning(keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of the beginning of the sections, in any of their forms."""
    first, any_key = loose_name(keys[0]), "|".join(map(loose_name, keys))
    tag = rf"^[^\w\n<]{{0,12}}(?:<|&lt;)\s*{first}\b"
    heading = rf"^[^\w\n<]{{0,12}}(?:\d[.)][^\w\n]{{0,4}})?{first}[^\w\n]{{0,4}}(?::|$)"
    return re.compile(rf'{tag}|{heading}|\{{\s*"(?:{any_key})"', re.M | re.I)
