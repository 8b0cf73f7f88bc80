"""The Coach screen: edits by distance, what a coach learns from them, its revisions, and how near it comes."""

from typing import Any

import streamlit as st

from srt_core.methods.coachlm import cut
from srt_core.records import counted
from srt_core.reflect.coach.coaches import Made, coaches
from srt_core.reflect.coach.edits import Edit, edits
from srt_core.review import rubric
from srt_core.steps.coach import COACH_EXPORT, COACH_REVISE, COACH_TRIAL
from srt_core.steps.jobs import JobState
from srt_core.steps.step import Step
from srt_core.ui.frame.form import draw_field, draw_form
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import reporting, show_empty
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

REVIEW = "pages/6_Review.py"
LISTED = 200
KINDS = ("coach_revise", "coach_trial", "coach_export")


def render_coach(project: Project) -> None:
    """Draw the whole screen."""
    found = edits(project.store)
    able = [each for each in found if each.distance.sum]
    if not able:
        show_empty(
            "Nobody has edited a version yet, so there is nothing for a coach to learn from. Edit some on Review (E); "
            "the largest edits teach most.",
            REVIEW,
            "Review",
        )
        return
    last = last_arguments(project, "coach_revise")
    st.markdown(_opening(project, able))
    for kind in KINDS:
        job_panel(project, kind)
    alpha = float(draw_field(COACH_REVISE.argument("alpha"), last.get("alpha", 0.3)) or 0.0)
    _draw_edits(able, alpha)
    _draw_coaches(project)
    _draw_ratings(project)
    _draw_step(project, COACH_REVISE, "Revise", "Start revising", ":material/play_arrow:", alpha)
    _draw_step(project, COACH_TRIAL, "Judge a coach on edits that it never saw", "Start the trial",
               ":material/science:", alpha)  # fmt: skip
    _draw_result(project)
    _draw_step(project, COACH_EXPORT, "Train a coach of your own", "Write the pairs", ":material/download:", alpha)
    st.caption("Train on the folder on Runs, serve the trained model, and revise with 0 edits shown.")


def _opening(project: Project, able: list[Edit]) -> str:
    made = sum(each.revisions for each in coaches(project.store))
    said = f"**{counted(len(able), 'edit')}** by people changed something. "
    return said + (
        f"Coaches made {counted(made, 'revision')} of them." if made else "No coach has revised anything yet."
    )


def _draw_edits(able: list[Edit], alpha: float) -> None:
    learnt = set(cut([(each.event_id, each.distance.sum) for each in able], alpha))
    none = " This share keeps none: raise it, or edit more." if not learnt else ""
    st.markdown(f"A coach learns from {len(learnt):,} of {len(able):,}, the largest.{none}")
    st.dataframe(
        [
            {
                "Learnt from": each.event_id in learnt,
                "Changed": each.distance.sum,
                "Instruction": each.distance.ins,
                "Input": each.distance.inp,
                "Response": each.distance.res,
                "Longer by": each.growth,
                "Sample": each.seq,
                "Reviewer": each.author,
                "Begins": " ".join(each.before.instruction.split())[:120],
            }
            for each in able[:LISTED]
        ],
        hide_index=True,
        height=280,
        column_config={
            "Changed": st.column_config.NumberColumn(help="Characters changed in all three texts.", format="localized"),
            "Longer by": st.column_config.NumberColumn(help="Distance rewards length: look at both.",
                                                       format="localized"),
        },
        alt="Edits by how much they changed, the largest first.",
    )  # fmt: skip
    if len(able) > LISTED:
        st.caption(f"The {LISTED:,} largest are listed.")


def _draw_coaches(project: Project) -> None:
    found = [each for each in coaches(project.store) if each.revisions or each.unchanged or each.failed]
    if not found:
        return
    st.subheader("What people made of the revisions")
    st.dataframe(
        [_row(each) for each in found],
        hide_index=True,
        alt="Coaches with their revisions and what people decided.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Samples that a coach learnt from are in none of these numbers; what people chose to decide is no "
                   "random sample.", width="content")  # fmt: skip
        st.page_link(REVIEW, label="Review", icon=PAGES[REVIEW][1], query_params=address())


def _row(each: Made) -> dict[str, Any]:
    return {
        "Coach": told(each.producer),
        "Learnt from": each.learnt,
        "Revisions": each.revisions,
        "Left as they are": each.unchanged,
        "No usable reply": each.failed,
        "Kept by people": each.kept,
        "Edited by people": each.edited,
        "Decided otherwise": each.otherwise,
        "Longer by, mean": None if each.growth is None else round(each.growth, 1),
    }


def _draw_ratings(project: Project) -> None:
    found = rubric.means(project.store)
    if found:
        st.subheader("Ratings by the rubric")
        st.dataframe(
            [
                {"Made by": told(each.version), "Side": each.side.capitalize(), "Score of 100": round(each.score, 1),
                 "Ratings": each.ratings}
                for each in found
            ],
            hide_index=True,
            alt="Mean ratings by who made the versions.",
        )  # fmt: skip


def _draw_step(project: Project, step: Step, title: str, label: str, icon: str, alpha: float) -> None:
    with st.expander(title, expanded=step is COACH_REVISE), st.container(key=f"form_{step.name}"):
        asked = step.complete({**_form(project, step), "alpha": alpha})
        off = any(project.jobs.running(kind) for kind in KINDS) or not may_own() or not _is_complete(asked)
        with reporting():
            if st.button(label, icon=icon, key=f"start_{step.name}", disabled=off,
                         type="primary" if step is COACH_REVISE else "secondary"):  # fmt: skip
                project.start(step.name, asked)
                st.rerun()


def _form(project: Project, step: Step) -> dict[str, Any]:
    """Draw a step's fields but alpha; what the forms share is asked for once, in the first."""
    last = last_arguments(project, step.name)
    if step is COACH_TRIAL:
        shared = {each.name: st.session_state.get(each.name) for each in step.arguments if each.field}
        kept = {name: value for name, value in shared.items() if value is not None}
        st.caption("The teacher and the settings are those above.")
        return {**kept, "put_aside": draw_field(step.argument("put_aside"), last.get("put_aside", 100))}
    return draw_form(step, last)


def _is_complete(asked: dict[str, Any]) -> bool:
    return bool(asked.get("out") or (asked.get("base_url") and asked.get("model")))


def _draw_result(project: Project) -> None:
    job = project.jobs.latest("coach_trial")
    if job and job.state is JobState.DONE:
        st.text(told(job.progress.message))
