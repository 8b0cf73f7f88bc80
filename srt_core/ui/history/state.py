"""The project as it was right after an event, how that differs from now, and the way back."""

import streamlit as st

from srt_core.errors import DecisionError
from srt_core.project.candidates import beginnings
from srt_core.records import counted
from srt_core.review import history
from srt_core.review.history import Decided
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting_as_owner, curator, reporting
from srt_core.ui.frame.words import describe_event
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

AS_OF = "asof"
"""The event in the address whose state is shown."""
PAGE_ROWS = 20


def show_state(event_id: int) -> None:
    """Put an event into the address, so that the page shows the state right after it."""
    put_in_address(AS_OF, str(event_id))


def draw_state(project: Project, event_id: int) -> None:
    """Draw the state right after an event above the history."""
    with st.container(border=True), reporting():
        found = history.state(project.store, event_id)
        st.markdown(f"**The project as of event {event_id:,}**, {local_time(found.made_at, '%d %b %Y %H:%M:%S')}")
        with st.container(horizontal=True):
            for label, number in (("Decided", found.decided), ("Keep", found.approved),
                                  ("Leave out", found.decisions.get("reject", 0)),
                                  ("Park", found.decisions.get("park", 0)),
                                  ("Retracted", found.decisions.get("retract", 0))):  # fmt: skip
                st.metric(label, f"{number:,}", width=140)
        scoring = found.scoring or "not told by the log, which has changes alone"
        st.text(told(f"Policy in use: {found.policy}\nScoring in use: {scoring}"))
        differing = history.count_differences(project.store, event_id)
        if differing:
            _draw_differences(project, event_id, differing)
        else:
            st.markdown("Every decision that stood then stands now, and no other.")
        with st.container(horizontal=True):
            label = f"Go back to these decisions ({counted(differing, 'sample')})"
            st.button(label, icon=":material/restore:", key="go_back",
                      on_click=_go_back, args=(project, event_id), disabled=not differing or not may_own(),
                      help="What was decided since is undone, what was undone since is decided again, as one action "
                      "that can be taken back. Policy and scoring stay. Only owners may.")  # fmt: skip
            st.button("Close", icon=":material/close:", key="close_state", on_click=_close)


def _draw_differences(project: Project, event_id: int, differing: int) -> None:
    st.markdown(f"**{counted(differing, 'sample| has|')}** another decision now:")
    pages = -(-differing // PAGE_ROWS)
    page = st.pagination(pages, key="differences_page") if pages > 1 else 1
    rows = history.differences(project.store, event_id, PAGE_ROWS, (min(page, pages) - 1) * PAGE_ROWS)
    texts = beginnings(project.store, [each.sample_id for each in rows])
    picked = st.dataframe(
        [
            {
                "No": each.seq,
                "Instruction": texts[each.sample_id].text,
                "Then": _said(each.past),
                "Now": _said(each.present),
            }
            for each in rows
        ],
        hide_index=True,
        key="differences",
        on_select="rerun",
        selection_mode="single-row",
        alt="Samples whose decision then is not the one that stands now.",
    )  # fmt: skip
    indices = picked["selection"]["rows"]
    if indices and indices[0] < len(rows):
        st.page_link("pages/6_Review.py", label="Open the sample in Review", icon=":material/fact_check:",
                     query_params=address(sample=rows[indices[0]].sample_id))  # fmt: skip


def _said(decided: Decided | None) -> str:
    return f"{describe_event(decided.kind, decided.origin)}, by {decided.author}" if decided else "open"


def _close() -> None:
    put_in_address(AS_OF, "")


@acting_as_owner
def _go_back(project: Project, event_id: int) -> None:
    if not history.go_back(project.store, event_id, curator()):
        raise DecisionError("All these decisions stand already.", "There is nothing to go back to.")
