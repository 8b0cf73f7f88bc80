"""One event of the history: what it was, and undoing it or the action that it was part of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.candidates import Beginning, beginnings
from srt_core.project.diff import plain_html
from srt_core.project.events import Event
from srt_core.project.store import Store
from srt_core.records import Origin, Pair
from srt_core.review import decisions, history
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Approval
from srt_core.select.applied import last_applied, undo_applied
from srt_core.select.derive import remembered
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting, acting_as_owner, curator
from srt_core.ui.frame.words import describe_event
from srt_core.ui.history.kept import values
from srt_core.ui.history.state import show_state
from srt_core.ui.sample.long_texts import offer_whole
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import may_own, require_undo, visitor
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.audit import broken_words


@dataclass(frozen=True, slots=True)
class Shown:
    """What is said of some events beside themselves."""

    made_by: Mapping[int, str]
    """Who made the versions that they are for, by the version's id."""
    undone: Mapping[int, tuple[str, Origin | None]]
    """Kind and version of what was undone, by the event that undoes it."""
    beginnings: Mapping[str, Beginning]
    """Number and beginning of their samples, by the sample's id."""


def shown_of(store: Store, listed: Sequence[Event]) -> Shown:
    """Read what is said of events beside themselves."""
    samples = [event.sample_id for event in listed if event.sample_id]
    return Shown(
        history.candidate_producers(store, listed), history.undone_events(store, listed), beginnings(store, samples)
    )


def broken(project: Project, listed: Sequence[Event]) -> Mapping[int, Approval]:
    """Find the approvals among events whose evidence was broken by what was decided since, by their action."""
    if not any("evidence" in event.context for event in listed):
        return {}
    return remembered(audits.broken_approvals, project.store)


def what(event: Event, undone: Mapping[int, tuple[str, Origin | None]]) -> str:
    """Say what somebody did, and of an undo what it took back: "Keep Response", "Undone: Leave out"."""
    if event.undoes is None:
        return describe_event(event.kind, event.origin)
    said = describe_event(*undone[event.event_id]) if event.event_id in undone else ""
    return f"Undone: {said}" if said else describe_event("undo", None)


def draw_event(project: Project, event: Event, shown: Shown) -> None:
    """Show an event whole, with what can be done about it."""
    with st.container(border=True):
        st.markdown(f"**{what(event, shown.undone)}** · event {event.event_id}")
        who = "" if event.kind == "import" else f"By {event.author}, "
        said = [f"{who}{local_time(event.made_at, '%d %b %Y %H:%M:%S')}"]
        if event.sample_id and event.sample_id in shown.beginnings:
            sample = shown.beginnings[event.sample_id]
            said.append(f"Sample {sample.seq} ({event.sample_id}): {sample.text}")
        if event.candidate_id and event.candidate_id in shown.made_by:
            said.append(f"Version made by {shown.made_by[event.candidate_id]}")
        st.text("\n".join(said))
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
        if kept := values(event):
            st.dataframe(
                [{"What": label, "Value": value} for label, value in kept],
                hide_index=True,
                column_config={"Value": "Before → after" if event.kind == "policy" else ""},
                alt="What was kept with the event.",
            )  # fmt: skip


def _draw_edited(event_id: int, edited: Pair) -> None:
    parts = {part: getattr(edited, part) for part in ("instruction", "input", "response")}
    most = offer_whole(f"event_{event_id}", *parts.values())
    for part, text in parts.items():
        st.caption(f"Edited {part}")
        st.html(plain_html(text, most))


def _draw_actions(project: Project, event: Event) -> None:
    may = visitor().person.may_undo(event.author)
    why = None if may else "Only an owner may undo what somebody else did."

    def offer(label: str, icon: str, key: str, act: Callable[[Project, Event], None]) -> None:
        st.button(label, icon=f":material/{icon}:", key=key, on_click=act, args=(project, event), disabled=not may,
                  help=why)  # fmt: skip

    if event.kind == "policy":
        _draw_undo_of_policy(project, event)
    elif event.kind == "undo" or "restores" in event.context:
        label = "Take this undo back" if event.in_action == 1 else f"Take all {event.in_action:,} of this action back"
        offer(label, "redo", f"back_{event.action_id}", _take_back)
    elif event.kind == "reading" and not event.undone:
        offer("Undo this reading", "undo", f"undo_{event.event_id}", _undo_reading)
    elif event.kind in events.DECISIONS and not event.undone:
        if event.in_action > 1:
            offer(f"Undo all {event.in_action:,} of this action", "undo", f"undo_all_{event.action_id}", _undo_all)
            offer("Undo this one alone", "undo", f"undo_{event.event_id}", _undo)
        else:
            offer("Undo this decision", "undo", f"undo_{event.event_id}", _undo)


def _draw_undo_of_policy(project: Project, event: Event) -> None:
    """Offer to put back what stood before, of the last policy alone: one after the other leads to any before."""
    last = last_applied(project.store)
    if event.undoes is not None or event.undone or last is None:
        return
    if last.event_id == event.event_id:
        st.button("Undo this policy", icon=":material/undo:", key=f"undo_{event.event_id}", on_click=_undo_policy,
                  args=(project, event), disabled=not may_own(),
                  help="Puts back the limits that stood before. Decisions of reviewers stay.")  # fmt: skip
    else:
        st.caption(f"Policies are undone the last first: undo event {last.event_id} before this one.", width="content")


@acting_as_owner
def _undo_policy(project: Project, event: Event) -> None:
    undo_applied(project.store, event.event_id, curator())


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
