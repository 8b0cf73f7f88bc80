"""One event of the history: what it was, and undoing it or the action that it was part of."""

import json
from collections.abc import Mapping, Sequence

import streamlit as st

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.diff import plain_html
from srt_core.project.events import Event
from srt_core.records import Pair
from srt_core.review import decisions, history
from srt_core.review.queues import QUEUES
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Approval
from srt_core.select.derive import remembered
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting, curator
from srt_core.ui.frame.words import KIND_LABELS
from srt_core.ui.history.state import show_state
from srt_core.ui.sample.long_texts import draw_code, offer_whole
from srt_core.ui.sample.texts import describe_event, local_time
from srt_core.ui.server.identity import require_undo, visitor
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.audit import broken_words


def kind_label(kind: str) -> str:
    """Say a kind of event in words."""
    return KIND_LABELS.get(kind, kind.replace("_", " ").capitalize())


def about(event: Event) -> str:
    """Say in a line what an event was about, from what was kept with it; "" where the rest of the row says it all."""
    context = event.context
    if event.kind == "assign":
        shares = ", ".join(f"{name} {share:g} %" for name, share in context["shares"].items()) or "open to everybody"
        queue = QUEUES[context["queue"]].label if context["queue"] in QUEUES else context["queue"]
        return f"{queue}: {shares}; overlap {context['overlap']:g} %"
    if event.kind == "undo" and "bulk" not in context:
        return f"Undid event {event.undoes}"
    if event.kind == "scoring":
        return told(f"Number {context.get('scoring_id')}: {context.get('student')}, {context.get('template')}")
    if event.kind == "reading":
        return f"Audit {context['audit']}: {len(context['marked'])} of {len(context['shown'])} versions are fit"
    if event.kind == "export" and "rows" in context:
        return told(f"{context['rows']:,} rows to {context.get('file')}")
    found = [context[name] for name in ("note", "bulk", "name", "file", "path") if context.get(name)]
    return told(str(found[0])) if found else ""


def broken(project: Project, listed: Sequence[Event]) -> Mapping[int, Approval]:
    """Find the approvals among events whose evidence was broken by what was decided since, by their action."""
    if not any("evidence" in event.context for event in listed):
        return {}
    return remembered(audits.broken_approvals, project.store)


def draw_event(project: Project, event: Event, made_by: Mapping[int, str]) -> None:
    """Show an event whole, with what can be done about it."""
    with st.container(border=True):
        is_decision = event.kind in events.DECISIONS
        what = describe_event(event.kind, event.origin) if is_decision else kind_label(event.kind)
        st.markdown(f"**{what}** · event {event.event_id}")
        said = [f"By {event.author}, {local_time(event.made_at, '%d %b %Y %H:%M:%S')}", about(event)]
        if event.candidate_id and event.candidate_id in made_by:
            said.append(f"Made by {made_by[event.candidate_id]}")
        st.text("\n".join(filter(None, said)))
        if approval := broken(project, [event]).get(event.action_id):
            st.markdown(f":material/warning: {broken_words(approval)}")
        if event.edited:
            _draw_edited(event.event_id, event.edited)
        with st.container(horizontal=True, vertical_alignment="center"):
            _draw_actions(project, event)
            st.button("Show the state after it", icon=":material/history:", key=f"state_{event.event_id}",
                      on_click=show_state, args=(event.event_id,))  # fmt: skip
            if event.sample_id:
                st.page_link("pages/6_Review.py", label="Open the sample in Review", icon=":material/fact_check:",
                             query_params=address(sample=event.sample_id))  # fmt: skip
        with st.expander("As it is kept"):
            kept = told(json.dumps(event.context, indent=2, ensure_ascii=False))
            draw_code(f"kept_{event.event_id}", kept, language="json")


def _draw_edited(event_id: int, edited: Pair) -> None:
    parts = {part: getattr(edited, part) for part in ("instruction", "input", "response")}
    most = offer_whole(f"event_{event_id}", *parts.values())
    for part, text in parts.items():
        st.caption(f"Edited {part}")
        st.html(plain_html(text, most))


def _draw_actions(project: Project, event: Event) -> None:
    may = visitor().person.may_undo(event.author)
    why = None if may else "Only an owner may undo what somebody else did."
    if event.kind == "undo" or "restores" in event.context:
        label = "Take this undo back" if event.in_action == 1 else f"Take all {event.in_action:,} of this action back"
        st.button(label, icon=":material/redo:", key=f"back_{event.action_id}", on_click=_take_back,
                  args=(project, event), disabled=not may, help=why)  # fmt: skip
    elif event.kind == "reading" and not event.undone:
        st.button("Undo this reading", icon=":material/undo:", key=f"undo_{event.event_id}", on_click=_undo_reading,
                  args=(project, event), disabled=not may, help=why)  # fmt: skip
    elif event.kind in events.DECISIONS and not event.undone:
        st.button("Undo this decision", icon=":material/undo:", key=f"undo_{event.event_id}", on_click=_undo,
                  args=(project, event), disabled=not may, help=why)  # fmt: skip
        if event.in_action > 1:
            st.button(f"Undo all {event.in_action:,} of this action", icon=":material/undo:",
                      key=f"undo_all_{event.action_id}", on_click=_undo_all, args=(project, event), disabled=not may,
                      help=why)  # fmt: skip


@acting
def _undo(project: Project, event: Event) -> None:
    require_undo(event.author)
    decisions.undo(project.store, event.event_id, curator())


@acting
def _undo_reading(project: Project, event: Event) -> None:
    require_undo(event.author)
    blind.undo_reading(project.store, event.event_id, curator())


@acting
def _undo_all(project: Project, event: Event) -> None:
    require_undo(event.author)
    decisions.undo_action(project.store, event.action_id, curator())


@acting
def _take_back(project: Project, event: Event) -> None:
    require_undo(event.author)
    if not history.take_back(project.store, event.action_id, curator()):
        raise DecisionError(
            "There is nothing to take back.", "It was taken back before, or something happened on the samples since."
        )
