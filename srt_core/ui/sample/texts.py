"""The texts of a sample: both versions side by side, what stands beside them, the critique, the replies, the history.

The context of a conversation and a curator's own columns are one block of escaped text each, folded where it is much.
"""

import html
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import streamlit as st

from srt_core.project.diff import diff_html, plain_html
from srt_core.records import ORIGIN_COLOURS, Candidate, Context, Origin, Pair, Role, counted
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.sample.long_texts import offer_whole

DiffMode = Literal["unified", "split", "plain"]

PARTS = {"instruction": "Instruction", "input": "Input", "response": "Response"}

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

# Each part stands beside its counterpart.
_GRID = "display:grid;column-gap:2rem;row-gap:0.75rem;align-items:start;font-size:0.95rem;line-height:1.5"


def render_pair(
    candidates: Mapping[Origin, Candidate],
    shown: Origin | None,
    note: str,
    mode: DiffMode,
    own: Mapping[str, object] | None = None,
) -> None:
    """Show the original and, beside it, the candidate in question with its differences.

    What stands before them is above, the curator's own columns below. Everything is one escaped block: the parts line
    up, and it is painted at once.
    """
    before = candidates[Origin.ORIGINAL].pair
    after = candidates[shown].pair if shown else None
    drawn = [candidates[origin] for origin in (Origin.ORIGINAL, shown) if origin]
    heads = [_head(Origin.ORIGINAL, "")] + ([_head(shown, note)] if shown else [])
    with st.container(border=True):
        most = offer_whole("_".join(str(each.candidate_id) for each in drawn), *texts_of(*drawn, own=own))
        cells = [cell for part in PARTS for cell in _cells(part, before, after, mode, most)]
        columns = f"grid-template-columns:repeat({len(heads)},minmax(0,1fr));"  # side by side at any width
        pairs = f'<div style="{columns}{_GRID}">{"".join(heads + cells)}</div>'
        st.html(f"{context_html(before.context, most)}{pairs}{own_html(own or {}, most)}")


def texts_of(*candidates: Candidate, own: Mapping[str, object] | None = None) -> list[str]:
    """Return all texts of candidates: parts, contexts, and the curator's own columns."""
    pairs = [candidate.pair for candidate in candidates]
    parts = [getattr(pair, part) for pair in pairs for part in PARTS]
    said = [message["content"] for pair in pairs for message in pair.context.messages]
    return [*parts, *said, *map(_own_text, (own or {}).values())]


def _head(origin: Origin, note: str) -> str:
    rule = f"border-top:3px solid {ORIGIN_COLOURS[origin]};padding-top:0.25rem"
    said = f' <span style="opacity:0.7">{html.escape(note)}</span>' if note else ""
    return f'<div style="{rule}"><b>{ORIGIN_LABELS[origin]}</b>{said}</div>'


def _cells(part: str, before: Pair, after: Pair | None, mode: DiffMode, most: int | None) -> list[str]:
    old: str = getattr(before, part)
    new: str = getattr(after, part) if after else ""
    if part == "input" and not old and not new:
        return []
    left = diff_html(old, new, "before", most) if after and mode == "split" else plain_html(old, most)
    cells = [labelled(PARTS[part], left)]
    if after and mode == "plain":
        cells.append(labelled(PARTS[part], plain_html(new, most)))
    elif after:
        cells.append(labelled(PARTS[part], diff_html(old, new, "unified" if mode == "unified" else "after", most)))
    return cells


def labelled(label: str, block: str) -> str:
    """Return a block of HTML under a label, which is escaped."""
    return f'<div><div style="{LABEL}">{html.escape(label)}</div>{block}</div>'


def context_title(context: Context) -> str:
    """Say what a context holds: "Context: a system text and 2 earlier turns, 64 characters"."""
    characters = sum(len(each["content"]) for each in context.messages)
    turns = counted(len(context.turns), "earlier turn") if context.turns else ""
    parts = " and ".join(filter(None, ("a system text" if context.system else "", turns)))
    return f"Context: {parts}, {characters:,} characters"


def context_html(context: Context, most: int | None = None) -> str:
    """Return what was said before a pair, `most` characters a text; "" for nothing."""
    if not context:
        return ""
    said = context.messages
    is_open = sum(len(each["content"]) for each in said) <= MOST_CHARACTERS
    blocks = [labelled(_ROLES[Role(each["role"])], plain_html(each["content"], most)) for each in said]
    return _folded(context_title(context), blocks, is_open=is_open)


def own_html(own: Mapping[str, object], most: int | None = None) -> str:
    """Return the curator's own columns of a sample, `most` characters a text; "" for none."""
    if not own:
        return ""
    texts = own_texts(own)
    is_short = len(texts) <= MOST_COLUMNS and sum(map(len, texts.values())) <= MOST_CHARACTERS
    blocks = [labelled(name, plain_html(text, most)) for name, text in texts.items()]
    count = counted(len(texts), "column")
    return _folded(f"Of your own files: {count}", blocks, is_open=is_short, more=_SIDE_BY_SIDE)


def own_texts(own: Mapping[str, object]) -> dict[str, str]:
    """Write the values of a curator's own columns as texts."""
    return {name: _own_text(value) for name, value in own.items()}


def _own_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _folded(title: str, blocks: Sequence[str], *, is_open: bool, more: str = "") -> str:
    summary = f'<summary style="{_SUMMARY}">{html.escape(title)}</summary>'
    body = f'<div style="{_BODY}{more}">{"".join(blocks)}</div>'
    return f'<details style="{_FOLD}"{" open" if is_open else ""}>{summary}{body}</details>'


def local_time(moment: datetime, form: str = "%d %b %H:%M") -> str:
    """Write a stored UTC time in the time of the person's browser."""
    minutes = st.context.timezone_offset or 0
    return f"{moment - timedelta(minutes=minutes):{form}}"
