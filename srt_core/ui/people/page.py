"""The People screen: who works on this server, and how a queue is shared out among them."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from srt_core.people import load, people_path
from srt_core.review import history
from srt_core.review import queues as review
from srt_core.review.queues import QUEUES
from srt_core.review.shares import Assignment, read_assignment, share_out
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import acting_as_owner, curator, fragment, reporting, show_kept_error
from srt_core.ui.people.accounts import draw_people
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project


def render_people(project: Project) -> None:
    """Draw the whole screen."""
    draw_people(history.log_authors(project.store))
    st.subheader("Share a queue out")
    st.markdown(
        "Each reviewer gets a part of the queue that nobody else has. The overlap is drawn at random from all of it "
        "and given to everybody with a share, who decide it without seeing what the others did: on it the agreement "
        "between reviewers is measured. What is in no share is open to everybody."
    )
    _draw_shares(project)


@fragment
def _draw_shares(project: Project) -> None:
    show_kept_error()
    with reporting():
        name = st.selectbox(
            "Queue", list(QUEUES), format_func=lambda name: QUEUES[name].label, key="people_queue", width=320
        )
        assignment = read_assignment(project.store, name)
        if assignment.parts:
            _draw_parts(project, name, assignment)
        else:
            st.markdown("This queue is not shared out: everybody sees all of it.")
        if may_own():
            _draw_form(project, name, assignment)
        else:
            st.caption("Owners share queues out.")


def _draw_parts(project: Project, name: str, assignment: Assignment) -> None:
    counted = st.session_state.get("people_counts", {})
    rows = [
        {
            "Reviewer": person,
            "Share": percent,
            "Samples": counted[name, person].samples if (name, person) in counted else None,
            "Open": counted[name, person].open if (name, person) in counted else None,
        }
        for person, percent in assignment.percents().items()
    ]
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="not counted",
        column_config={
            "Share": st.column_config.NumberColumn(format="%.2f %%", help="Of what is not overlap."),
            "Samples": st.column_config.NumberColumn(format="localized", help="With the overlap."),
            "Open": st.column_config.NumberColumn(format="localized", help="What still asks for their decision."),
        },
        alt="The shares of the queue.",
    )
    st.text(f"Overlap: {assignment.overlap / 100:g} % of all, decided by each of them.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Count what is left", icon=":material/calculate:", key="count_shares", on_click=_count,
                  args=(project, name, assignment), disabled=name == "filter")  # fmt: skip
        if assignment.share(curator()):
            st.page_link("pages/6_Review.py", label="Review your share", icon=":material/fact_check:",
                         query_params=address(queue=name))  # fmt: skip


def _count(project: Project, name: str, assignment: Assignment) -> None:
    shares = {person: assignment.share(person) for person in assignment.parts}
    st.session_state["people_counts"] = {
        (name, person): review.place(project.store, review.shared(QUEUES[name], share), None)
        for person, share in shares.items()
        if share
    }


def _draw_form(project: Project, name: str, assignment: Assignment) -> None:
    known = [account.name for account in load(people_path()).accounts]
    percents = assignment.percents()
    others = [author.name for author in history.log_authors(project.store) if author.decisions]
    names = dict.fromkeys([*percents, *known, *others])
    with st.form(f"shares_{name}", border=True):
        edited = st.data_editor(
            [{"Name": person, "Share in %": percents.get(person, 0.0)} for person in names]
            or [{"Name": "", "Share in %": 0.0}],
            num_rows="dynamic",
            hide_index=True,
            key=f"shares_of_{name}",
            column_config={
                "Name": st.column_config.TextColumn(help="As the person logs in, or writes the name in the sidebar."),
                "Share in %": st.column_config.NumberColumn(min_value=0.0, max_value=100.0, step=0.01),
            },
        )
        overlap = st.number_input("Overlap in %", 0.0, 100.0, assignment.overlap / 100, step=1.0,
                                  key=f"overlap_of_{name}", width=240)  # fmt: skip
        if st.form_submit_button("Share out", icon=":material/group:", key="share_out"):
            st.session_state.pop("people_counts", None)
            _share_out(project, name, edited, overlap)
            st.rerun()


@acting_as_owner
def _share_out(project: Project, name: str, edited: Sequence[Mapping[str, Any]], overlap: float) -> None:
    given = [(str(row.get("Name") or "").strip(), float(row.get("Share in %") or 0.0)) for row in edited]
    wanted = [(person, percent) for person, percent in given if person and percent > 0]
    share_out(project.store, name, wanted, overlap, curator())
