"""The Overview: one funnel, what failed, what runs, and the next best action."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import streamlit as st

from srt_core.methods import METHODS, Method
from srt_core.project.copying import is_one_file, stream_copy
from srt_core.project.store import Store
from srt_core.review.status import describe_export, status
from srt_core.score.scorings import UNSCORED, score_statuses, scoring_in_use
from srt_core.select.policy import applied_policy
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.jobs import last_job
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting_as_owner
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.frame.tour import offer_tour
from srt_core.ui.overview.figures import funnel
from srt_core.ui.server.identity import is_owner
from srt_core.ui.server.runtime import Project, create_project

MOST_TO_DOWNLOAD = 200_000_000
"""Bytes of a file that the browser is given: the server holds all of it in memory meanwhile."""
IMPORT, REFLECT, SCORE = "pages/1_Import.py", "pages/2_Reflect.py", "pages/3_Score.py"
EXPLORE, REVIEW, EXPORT = "pages/4_Explore.py", "pages/6_Review.py", "pages/8_Export.py"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: a sentence, and the page that does it."""

    text: str
    label: str
    page: str


def next_step(counts: dict[str, Any], unscored: int, running: Collection[str], method: Method) -> Step:
    """Choose the next best action from the project's counts, `unscored` candidates and the kinds of running jobs.

    What the method in use does not need, a teacher or a student, is not asked for.
    """
    if running:
        return Step("Work is under way. Read the samples meanwhile.", "Explore", EXPLORE)
    if not counts["samples"]:
        return Step("Nothing is imported yet. Begin with a file of instructions and responses.", "Import pairs", IMPORT)
    if method.teacher and not counts["reflected"]:
        text = "No sample has a rewrite yet. Ask a teacher for them, or replay recorded replies."
        return Step(text, "Reflect", REFLECT)
    if method.needs_student and unscored:
        return Step(f"{unscored:,} candidates have no score yet. Ask the student.", "Score", SCORE)
    open_samples = counts["samples"] - counts["decided"]
    if open_samples:
        text = f"The rule selects {counts['selected']['total']:,} samples. {open_samples:,} wait for your decision."
        return Step(text, "Review samples", REVIEW)
    return Step("Every sample is decided. Hand the approved pairs over to training.", "Export", EXPORT)


def render_overview(project: Project) -> None:
    """Draw the Overview of a project."""
    counts = status(project.store)
    if project.is_demo:
        _explain_demo(project.store)
    _draw_jobs(project)
    unscored = score_statuses(project.store).get(UNSCORED, 0)
    running = [job.kind for job in project.jobs.running() if STEPS[job.kind].is_work]
    method = METHODS[applied_policy(project.store).method]
    _draw_next(next_step(counts, unscored, running, method))
    if counts["samples"]:
        _draw_funnel(counts, method)
        _draw_failures(counts, method)
    if is_owner():
        _draw_copy(project.store)
    _draw_create()


def _draw_copy(store: Store) -> None:
    """Offer the whole project as one file."""
    size = store.path.stat().st_size
    if size <= MOST_TO_DOWNLOAD and is_one_file(store):
        st.download_button(
            "Download a copy", lambda: b"".join(stream_copy(store)), store.path.name, "application/octet-stream",
            on_click="ignore", icon=":material/download:",
            help="The project as one file, with all that is saved at this moment.",
        )  # fmt: skip
    else:
        st.caption("A copy of this project, also while it is open here:")
        st.code(f"srt copy {shlex.quote(str(store.path))} COPY.srt", language=None)


def _explain_demo(store: Store) -> None:
    scoring = scoring_in_use(store)
    scored = f"scored by {scoring.student}, a real student, and its scores are recorded" if scoring else "not scored"
    with st.container(border=True):
        st.markdown("**This is the demo project.**")
        st.text(
            "Its samples were made up, and a teacher's rewrites of them are recorded. Its versions are "
            f"{scored}. Try anything; it all stays on this machine."
        )
        offer_tour()


def _draw_jobs(project: Project) -> None:
    """Draw the steps of the work that run or need somebody."""
    for kind in [step.name for step in STEPS.values() if step.is_work]:
        last = last_job(project, kind)
        if last and (last.can_resume or project.jobs.running(kind)):
            job_panel(project, kind)


def _draw_next(step: Step) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Next:** {step.text}", width="stretch")
        if st.button(step.label, type="primary", icon=PAGES[step.page][1], key="next_step"):
            st.switch_page(step.page, query_params=address())


def _draw_funnel(counts: dict[str, Any], method: Method) -> None:
    """Draw the steps that the method in use has, each with the samples that reached it."""
    kept, decided = counts["selected"]["total"], counts["decided"]
    stages = [
        ("Imported", counts["samples"], EXPLORE, {}, "Samples in the project."),
        ("Reflected", counts["reflected"], REFLECT, {}, "Samples with at least one rewrite."),
        ("Scored", counts["scored_samples"], SCORE, {}, "Samples of which every candidate has both scores."),
        ("Selected", kept, EXPLORE, {"reason": "kept"}, "Samples that the applied policy keeps."),
        ("Reviewed", decided, EXPLORE, {"state": "decided"}, "Samples that a person decided."),
        ("Exported", counts["exported"], EXPORT, {}, "Pairs in the latest export."),
    ]
    needless = {REFLECT: not method.teacher, SCORE: not method.needs_student}
    stages = [stage for stage in stages if not needless.get(stage[2])]
    st.subheader("From import to export")
    for column, (name, number, page, only, explained) in zip(st.columns(len(stages)), stages, strict=True):
        with column, st.container(border=True):
            st.metric(name, f"{number:,}", help=explained)
            st.page_link(page, label=PAGES[page][0], icon=PAGES[page][1], query_params=address(**only))
    st.markdown(describe_export(counts["verdicts"], counts["parked_kept"]))
    alt = ", ".join(f"{name} {number:,}" for name, number, *_ in stages)
    figure = funnel([(name, number) for name, number, *_ in stages])
    st.plotly_chart(figure, key="funnel", alt=f"Samples at each step: {alt}", config={"displayModeBar": False})


def _draw_failures(counts: dict[str, Any], method: Method) -> None:
    """List what asks for somebody; of reflections and scores only where the method in use needs them."""
    failed = counts["failed_reflections"] if method.teacher else 0
    unscored = counts["samples"] - counts["scored_samples"] if method.needs_student else 0
    failures = [
        (counts["rejected_rows"], "rows of a file were rejected", IMPORT, {}),
        (failed, "reflections failed", EXPLORE, {"problem": "failed reflection"}),
        (unscored, "samples lack a score", EXPLORE, {"problem": "without a score"}),
        (counts["duplicates"], "samples are exact duplicates", EXPLORE, {"problem": "duplicate"}),
        (counts["parked"], "samples are parked", EXPLORE, {"state": "parked"}),
    ]
    st.subheader("Needs a look")
    found = [failure for failure in failures if failure[0]]
    if not found:
        st.markdown(":material/check: Nothing failed.")
    for number, text, page, only in found:
        st.page_link(page, label=f"{number:,} {text}", icon=PAGES[page][1], query_params=address(**only))


def _draw_create() -> None:
    st.subheader("Another project")
    st.markdown("A project is one file. Open one in the sidebar, or create a new one here.")
    with st.form("create_project", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the new project", key="new_project", width=320)
        st.form_submit_button("Create", icon=":material/add:", key="create", on_click=_create,
                              disabled=not is_owner())  # fmt: skip


@acting_as_owner
def _create() -> None:
    path = create_project(st.session_state["new_project"].strip())
    st.session_state["new_project"] = ""
    put_in_address("project", path.stem)
