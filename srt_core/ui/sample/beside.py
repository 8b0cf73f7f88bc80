"""What stands beside a pair: the context of its conversation, and its curator's own columns; folded where it is much.

Each is one block of escaped text.
"""

import html
import json
from collections.abc import Mapping, Sequence

from srt_core.project.diff import plain_html
from srt_core.records import Context, Role

MOST_CHARACTERS = 400
"""What is longer is folded at first."""
MOST_COLUMNS = 4

LABEL = "font-size:0.8rem;opacity:0.7;margin-bottom:0.1rem"
_FOLD = "border-left:3px solid color-mix(in srgb, currentColor 25%, transparent);padding-left:0.75rem;margin:0.25rem 0"
_SUMMARY = "font-size:0.8rem;opacity:0.7;cursor:pointer"
_BODY = "display:grid;row-gap:0.5rem;max-height:20rem;overflow-y:auto;font-size:0.95rem;line-height:1.5"
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
    return _folded(f"Of your own files: {count}", blocks, is_open=is_short)


def _folded(title: str, blocks: Sequence[str], *, is_open: bool) -> str:
    summary = f'<summary style="{_SUMMARY}">{html.escape(title)}</summary>'
    body = f'<div style="{_BODY}">{"".join(blocks)}</div>'
    return f'<details style="{_FOLD}"{" open" if is_open else ""}>{summary}{body}</details>'
