"""The thoughts of a reasoning model in its reply: removed, or read where the whole answer stands in them."""

import re
from collections.abc import Mapping
from typing import Final

from srt_core.reflect.prompts.sections import loose_name

_BLOCKS: Final[Mapping[str, tuple[str, str]]] = {
    "tag": (r"<(?P<name>(?:\w+:)?(?:think|thinking|thought|thoughts|reasoning|scratchpad))>", r"</{name}>"),
    "brackets": (r"\[THINK\]", r"\[/THINK\]"),
    "triangles": ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    "cohere": (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    "thought": (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    "channel": (
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<\n]{0,80}<\|message\|>",
        r"<\|end\|>|<\|call\|>|(?=<\|start\|>)",
    ),
}
"""How a block of thoughts opens and closes: DeepSeek and most, Magistral, Kimi, Cohere, OpenThinker, gpt-oss."""
OPENING: Final = re.compile(
    r"^[ \t]*(?:" + "|".join(f"(?P<{kind}>{opens})" for kind, (opens, _) in _BLOCKS.items()) + ")", re.M | re.I
)
_FINAL: Final = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>final[^<\n]{0,80}<\|message\|>")
_HEADLESS: Final = re.compile(r"</(?:\w+:)?think(?:ing)?>|\[/THINK\]|\u25c1/think\u25b7", re.I)
_MOST_BLOCKS: Final = 8


def without_reasoning(keys: tuple[str, ...], text: str) -> str:
    """Return a reply without the reasoning blocks before its sections; "" where a block does not end."""
    for _ in range(_MOST_BLOCKS):
        text = _without_final_mark(text)
        begins = _beginning(keys).search(text)
        opened = OPENING.search(text, 0, begins.start() if begins else len(text))
        if not opened:
            break
        closed = _closing(opened).search(text, opened.end())
        if not closed:
            return ""
        text = text[: opened.start()] + text[closed.end() :]
    return _without_headless(keys, text)


def _without_final_mark(text: str) -> str:
    """Drop the mark of gpt-oss's answer channel, so that the answer begins a line."""
    mark = _FINAL.match(text)
    return text[mark.end() :] if mark else text


def only_reasoning(text: str) -> str:
    """Return what stands in the reasoning block that is all of a reply; "" where it is not, or does not end."""
    opened = OPENING.match(text.strip())
    closings = list(_closing(opened).finditer(text.strip(), opened.end())) if opened else []
    return text.strip()[opened.end() : closings[-1].start()] if opened and closings else ""


def _closing(opened: re.Match[str]) -> re.Pattern[str]:
    """Return the pattern of the mark that closes an opened block."""
    kind = next(kind for kind in _BLOCKS if opened[kind])
    return re.compile(_BLOCKS[kind][1].format(name=opened["name"]), re.I)


def _without_headless(keys: tuple[str, ...], text: str) -> str:
    """Drop everything before a lone `</think>`, which some servers send; within the sections it is part of a text."""
    end = _HEADLESS.search(text)
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
