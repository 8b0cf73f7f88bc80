"""One event of the history: what it was, and undoing it or the action that it was part of."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.store import Row
from srt_core.review import decisions, history
from srt_core.review.queues import QUEUES
from srt_core.ui.frame.page import acting, address, curator
from srt_core.ui.frame.words import KIND_LABELS
from srt_core.ui.history.state import show_state
from srt_core.ui.sample.texts import describe_event, local_time
from srt_core.ui.server.identity import require_undo, visitor
from srt_core.ui.server.runtime import Project


def kind_label(kind: str) -> str:
    """Say a kind of event in words."""
    return KIND_LABELS.get(kind, kind.replace("_", " ").capitalize())


def about(row: Row, context: Mapping[str, Any]) -> str:
    """Say in a line what an event was about, from what was kept with it; "" where the rest of the row says it all."""
    if row["kind"] == "assign":
        shares = ", ".join(f"{name} {share:g} %" for name, share in context["shares"].items()) or "open to everybody"
        queue = QUEUES[context["queue"]].label if context["queue"] in QUEUES else context["queue"]
        return f"{queue}: {shares}; overlap {context['overlap']:g} %"
    if row["kind"] == "undo" and "bulk" not in context:
        return f"Undid event {row['undoes']}"
    if row["kind"] == "scoring":
        return f"Number {context.get('scoring_id')}: {context.get('student')}, {context.get('template')}"
    if row["kind"] == "export" and "rows" in context:
        return f"{context['rows']:,} rows to {context.get('file')}"
    found = [context[name] for name in ("bulk", "name", "file", "path") if context.get(name)]
    return str(found[0]) if found else ""


def draw_event(project: Project, row: Row, made_by: Mapping[int, str]) -> None:
    """Show an event whole, with what can be done about it."""
    context = json.loads(row["context"])
    with st.container(border=True):
        what = describe_event(row) if row["kind"] in events.DECISIONS else kind_label(row["kind"])
        st.markdown(f"**{what}** · event {row['event_id']}")
        said = [f"By {row['author']}, {local_time(row['made_at'], '%d %b %Y %H:%M:%S')}", about(row, context)]
        said += [f"Made by {made_by[row['candidate_id']]}"] if row["candidate_id"] in made_by else []
        st.text("\n".join(filter(None, said)))
        if row["response"] is not None:
            for part in ("instruction", "input", "response"):
                st.caption(f"Edited {part}")
                st.text(row[part])
        with st.container(horizontal=True, vertical_alignment="center"):
            _draw_actions(project, row, context)
            st.button("Show the state after it", icon=":material/history:", key=f"state_{row['event_id']}",
                      on_click=show_state, args=(row["event_id"],))  # fmt: skip
            if row["sample_id"]:
                st.page_link("pages/6_Review.py", label="Open the sample in Review", icon=":material/fact_check:",
                             query_params=address(sample=row["sample_id"]))  # fmt: skip
        with st.expander("As it is kept"):
            st.code(json.dumps(context, indent=2, ensure_ascii=False), language="json", wrap_lines=True)


def _draw_actions(project: Project, row: Row, context: Mapping[str, Any]) -> None:
    may = visitor().person.may_undo(row["author"])
    why = None if may else "Only an owner may undo what somebody else did."
    if row["kind"] == "undo" or "restores" in context:
        label = "Take this undo back" if row["in_action"] == 1 else f"Take all {row['in_action']:,} of this action back"
        st.button(label, icon=":material/redo:", key=f"back_{row['action_id']}", on_click=_take_back,
                  args=(project, row), disabled=not may, help=why)  # fmt: skip
    elif row["kind"] in events.DECISIONS and not row["undone"]:
        st.button("Undo this decision", icon=":material/undo:", key=f"undo_{row['event_id']}", on_click=_undo,
                  args=(project, row), disabled=not may, help=why)  # fmt: skip
        if row["in_action"] > 1:
            st.button(f"Undo all {row['in_action']:,} of this action", icon=":material/undo:",
                      key=f"undo_all_{row['action_id']}", on_click=_undo_all, args=(project, row), disabled=not may,
                      help=why)  # fmt: skip


@acting
def _undo(project: Project, row: Row) -> None:
    require_undo(row["author"])
    decisions.undo(project.store, row["event_id"], curator())


@acting
def _undo_all(project: Project, row: Row) -> None:
    require_undo(row["author"])
    decisions.undo_action(project.store, row["action_id"], curator())


@acting
def _take_back(project: Project, row: Row) -> None:
    require_undo(row["author"])
    if not history.take_back(project.store, row["action_id"], curator()):
        raise DecisionError(
            "There is nothing to take back.", "It was taken back before, or something happened on the samples since."
        )
