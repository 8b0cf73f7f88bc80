"""What Review shows of a sample: both versions side by side, the critique, the raw replies and the history."""

import html
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import streamlit as st

from srt_core.project import events
from srt_core.project.diff import diff_html, plain_html
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Action, Candidate, Origin, Pair
from srt_core.reflect.outcomes import Reflection
from srt_core.ui.frame.palette import ORIGIN_COLOURS
from srt_core.ui.frame.words import ACTION_LABELS, ORIGIN_LABELS
from srt_core.ui.sample.beside import context_html, labelled, own_html

DiffMode = Literal["unified", "split", "plain"]
DIFF_MODES: tuple[DiffMode, ...] = ("unified", "split", "plain")

PARTS = {"instruction": "Instruction", "input": "Input", "response": "Response"}

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
    heads = [_head(Origin.ORIGINAL, "")] + ([_head(shown, note)] if shown else [])
    cells = [cell for part in PARTS for cell in _cells(part, before, after, mode)]
    with st.container(border=True):
        columns = f"grid-template-columns:repeat({len(heads)},minmax(0,1fr));"  # side by side at any width
        pairs = f'<div style="{columns}{_GRID}">{"".join(heads + cells)}</div>'
        st.html(f"{context_html(before.context)}{pairs}{own_html(own or {})}")


def _head(origin: Origin, note: str) -> str:
    rule = f"border-top:3px solid {ORIGIN_COLOURS[origin]};padding-top:0.25rem"
    said = f' <span style="opacity:0.7">{html.escape(note)}</span>' if note else ""
    return f'<div style="{rule}"><b>{ORIGIN_LABELS[origin]}</b>{said}</div>'


def _cells(part: str, before: Pair, after: Pair | None, mode: DiffMode) -> list[str]:
    old: str = getattr(before, part)
    new: str = getattr(after, part) if after else ""
    if part == "input" and not old and not new:
        return []
    left = diff_html(old, new, "before") if after and mode == "split" else plain_html(old)
    cells = [labelled(PARTS[part], left)]
    if after and mode == "plain":
        cells.append(labelled(PARTS[part], plain_html(new)))
    elif after:
        cells.append(labelled(PARTS[part], diff_html(old, new, "unified" if mode == "unified" else "after")))
    return cells


def render_critique(reflections: Sequence[Reflection], candidate: Candidate | None) -> None:
    """Show the teacher's critique by criterion, of the reply that made the candidate on screen."""
    made = (candidate.origin, candidate.producer) if candidate else None
    read = next((each for each in reflections if (each.origin, each.producer) == made and each.critique), None)
    critique = read.critique if read else None
    if read is None or critique is None:
        st.caption("No critique: this version did not come from a teacher's reply.")
        return
    if read.detail:
        st.text(read.detail)  # what was put right in the reply before it was accepted
    blocks = [labelled(name.replace("_", " ").capitalize(), plain_html(str(text))) for name, text in critique.items()]
    st.html(f'<div style="{_GRID}">{"".join(blocks)}</div>')


def render_replies(reflections: Sequence[Reflection]) -> None:
    """Show every raw reply of the teacher about the sample, the newest first."""
    if not reflections:
        st.caption("The teacher was not asked about this sample.")
    for each in reflections:
        st.text(f"{ORIGIN_LABELS[each.origin]} · {each.status} {each.reason.replace('_', ' ')} · "
                f"{each.producer} · {local_time(each.made_at)}")  # fmt: skip
        if each.detail:
            st.text(each.detail)
        if each.raw:
            st.code(each.raw, language=None, wrap_lines=True, height=_height(each.raw))


def _height(text: str) -> int | Literal["content"]:
    return 320 if len(text) > 1200 else "content"


def render_history(store: Store, sample: str, only: str | None = None) -> None:
    """List what happened to the sample, the newest first; `only` by one person where it is given."""
    found = events.events(store, EventFilter(sample_id=sample, author=only), limit=50)
    if not found:
        st.caption("Nobody decided on this sample yet.")
        return
    st.dataframe(
        [
            {"When": local_time(event.made_at), "Who": event.author, "What": describe_event(event.kind, event.origin),
             "Undone": "undone" if event.undone else ""}
            for event in found
        ],
        hide_index=True,
    )  # fmt: skip


def describe_event(kind: str, origin: Origin | None) -> str:
    """Say a decision in two words of ours, such as "Approved: Response"."""
    if kind not in events.DECISIONS:
        return kind.capitalize()
    label = ACTION_LABELS[Action(kind)]
    return f"{label}: {ORIGIN_LABELS[origin]}" if origin else label


def local_time(moment: datetime, form: str = "%d %b %H:%M") -> str:
    """Write a stored UTC time in the time of the person's browser."""
    minutes = st.context.timezone_offset or 0
    return f"{moment - timedelta(minutes=minutes):{form}}"
