"""What stands beside a pair: the context of its conversation, and its curator's own columns; folded where it is much.

Each is one block of escaped text.
"""

import html
import json
from collections.abc import Mapping, Sequence

from srt_core.project.diff import plain_html
from srt_core.records import Context, Role

MOST_CHARACTERS = 200
"""What is longer is folded at first."""
MOST_COLUMNS = 4

LABEL = "font-size:0.8rem;opacity:0.7;margin-bottom:0.1rem"
_EDGE = "3px solid color-mix(in srgb, currentColor 25%, transparent)"
_FOLD = f"border-left:{_EDGE};padding-left:0.75rem;margin:0.5rem 0 0.75rem"
_SUMMARY = "font-size:0.8rem;opacity:0.7;cursor:pointer"
_BODY = "display:grid;gap:0.5rem 1.5rem;max-height:14rem;overflow-y:auto;font-size:0.95rem;line-height:1.5"
_SIDE_BY_SIDE = ";grid-template-columns:repeat(auto-fill,minmax(12rem,1fr))"
_ROLES = {Role.SYSTEM: "System", Role.USER: "User", Role.ASSISTANT: "Assistant"}


def labelled(label: str, block: str) -> str:
    """Return a block of HTML under a label, which is escaped."""
    return f'<div><div style="{LABEL}">{html.escape(label)}</div>{block}</div>'


def context_html(context: Context) -> str:
    """Return what was said before a pair; "" for nothing."""
    if not context:
        return ""
    said = context.messages
    characters = sum(len(each["content"]) for each in said)
    turns = f"{len(context.turns)} earlier turn{'s' if len(context.turns) > 1 else ''}" if context.turns else ""
    parts = " and ".join(filter(None, ("a system text" if context.system else "", turns)))
    blocks = [labelled(_ROLES[Role(each["role"])], plain_html(each["content"])) for each in said]
    return _folded(f"Context: {parts}, {characters:,} characters", blocks, is_open=characters <= MOST_CHARACTERS)


def own_html(own: Mapping[str, object]) -> str:
    """Return the curator's own columns of a sample; "" for none."""
    if not own:
        return ""
    texts = {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
             for name, value in own.items()}  # fmt: skip
    is_short = len(texts) <= MOST_COLUMNS and sum(map(len, texts.values())) <= MOST_CHARACTERS
    blocks = [labelled(name, plain_html(text)) for name, text in texts.items()]
    count = f"{len(texts)} column{'s' if len(texts) > 1 else ''}"
    return _folded(f"Of your own files: {count}", blocks, is_open=is_short, more=_SIDE_BY_SIDE)


def _folded(title: str, blocks: Sequence[str], *, is_open: bool, more: str = "") -> str:
    summary = f'<summary style="{_SUMMARY}">{html.escape(title)}</summary>'
    body = f'<div style="{_BODY}{more}">{"".join(blocks)}</div>'
    return f'<details style="{_FOLD}"{" open" if is_open else ""}>{summary}{body}</details>'
