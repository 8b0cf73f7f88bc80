"""The Overview: what this is, the next best action, the steps, what failed, what runs, and who decided how much."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import streamlit as st

from srt_core.methods import SELECTING, Method
from srt_core.project.copying import is_one_file, stream_copy
from srt_core.project.store import Store
from srt_core.review.history import log_authors
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
from srt_core.ui.overview.versions import draw_versions
from srt_core.ui.server.identity import is_owner
from srt_core.ui.server.runtime import Project, create_project

MOST_TO_DOWNLOAD = 200_000_000
"""Bytes of a file that the browser is given: the server holds all of it in memory meanwhile."""
STEP_WIDTH = 156
"""Pixels: six stand side by side where the window is 1440 wide."""
_DONE = ":material/check: done"
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
        return Step(f"{unscored:,} versions have no score yet. Ask the student.", "Score", SCORE)
    open_samples = counts["samples"] - counts["decided"]
    if open_samples:
        kept = counts["selected"]["total"]
        text = f"The rule keeps {kept:,} of {counts['samples']:,} samples; {open_samples:,} wait for your decision."
        return Step(text, "Review samples", REVIEW)
    return Step("Every sample is decided. Hand the approved pairs over to training.", "Export", EXPORT)


WHAT_THIS_IS = (
    "You curate pairs of instruction and response before a model is fine-tuned on them: a teacher rewrites each pair, "
    "and a student scores every version. A rule keeps at most one version of each sample, and you have the last word."
)


def render_overview(project: Project) -> None:
    """Draw the Overview of a project."""
    counts = status(project.store)
    st.markdown(WHAT_THIS_IS)
    unscored = score_statuses(project.store).get(UNSCORED, 0)
    running = [job.kind for job in project.jobs.running() if STEPS[job.kind].is_work]
    method = SELECTING[applied_policy(project.store).method]
    _draw_next(next_step(counts, unscored, running, method))
    draw_versions(counts["selected"]["by_origin"], counts["samples"])
    if project.is_demo:
        _explain_demo(project.store)
    _draw_jobs(project)
    if counts["samples"]:
        _draw_steps(counts, method)
        _draw_failures(counts, method)
        _draw_reviewers(project.store, counts["samples"])
    st.subheader("Projects", anchor=False)
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
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(
            "This is the demo project. Its samples were made up, and a teacher's rewrites of them are recorded. Its "
            f"versions are {scored}. Try anything; it all stays on this machine.",
            width="stretch",
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


def _draw_steps(counts: dict[str, Any], method: Method) -> None:
    """Draw the steps that the method in use has, each with the samples that reached it and those that did not yet."""
    samples, kept, decided = counts["samples"], counts["selected"]["total"], counts["decided"]
    stages = [
        ("Imported", samples, EXPLORE, {}, "Samples in the project.", _DONE),
        ("Reflected", counts["reflected"], REFLECT, {}, "Samples with at least one rewrite.", None),
        ("Scored", counts["scored_samples"], SCORE, {}, "Samples of which every version has both scores.", None),
        ("Selected", kept, EXPLORE, {"reason": "kept"}, "Samples that the rule keeps.", f"{kept / samples:.0%} of all"),
        ("Reviewed", decided, EXPLORE, {"state": "decided"}, "Samples that a reviewer decided.", None),
        ("Exported", counts["exported"], EXPORT, {}, "Pairs in the latest export.",
         _DONE if counts["exported"] else "none yet"),
    ]  # fmt: skip
    needless = {REFLECT: not method.teacher, SCORE: not method.needs_student}
    st.subheader("From import to export", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for name, number, page, only, explained, said in stages:
            if needless.get(page):
                continue
            with st.container(border=True, width=STEP_WIDTH, gap="xsmall"):
                st.metric(name, f"{number:,}", help=explained)
                st.caption(said or (f"{samples - number:,} to go" if number < samples else _DONE))
                st.page_link(page, label=PAGES[page][0], icon=PAGES[page][1], query_params=address(**only))
    st.markdown(describe_export(counts["verdicts"], counts["parked_kept"]))


def _draw_failures(counts: dict[str, Any], method: Method) -> None:
    """List what asks for somebody; of reflections and scores only where the method in use needs them."""
    failed = counts["failed_reflections"] if method.teacher else 0
    unscored = counts["samples"] - counts["scored_samples"] if method.needs_student else 0
    failures = [
        (counts["rejected_rows"], "row of a file was rejected", "rows of a file were rejected", IMPORT, {}),
        (failed, "reflection failed", "reflections failed", EXPLORE, {"problem": "failed reflection"}),
        (unscored, "sample lacks a score", "samples lack a score", EXPLORE, {"problem": "without a score"}),
        (counts["duplicates"], "sample is an exact duplicate", "samples are exact duplicates", EXPLORE,
         {"problem": "duplicate"}),
        (counts["parked"], "sample is parked", "samples are parked", EXPLORE, {"state": "parked"}),
    ]  # fmt: skip
    st.subheader("Needs a look", anchor=False)
    found = [failure for failure in failures if failure[0]]
    if not found:
        st.markdown(":material/check: Nothing failed.")
    with st.container(horizontal=True, gap="small"):
        for number, one, more, page, only in found:
            label = f"{number:,} {one if number == 1 else more}"
            st.page_link(page, label=label, icon=PAGES[page][1], query_params=address(**only), width="content")


def _draw_reviewers(store: Store, samples: int) -> None:
    """List who decided how much by hand, the busiest first."""
    found = [author for author in log_authors(store) if author.decisions]
    st.subheader("Progress by reviewer", anchor=False)
    if not found:
        st.markdown("Nobody has decided a sample by hand yet.")
        return
    st.dataframe(
        [{"Reviewer": each.name, "Decided by hand": each.decisions, "Last (UTC)": each.last} for each in found],
        hide_index=True,
        column_config={
            "Decided by hand": st.column_config.ProgressColumn(
                format="localized", min_value=0, max_value=max(samples, *(each.decisions for each in found))
            ),
        },
        alt="How many samples each reviewer decided by hand.",
    )


def _draw_create() -> None:
    st.caption("A project is one file. Open one in the sidebar, or create a new one here.")
    with st.form("create_project", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the new project", key="new_project", width=320)
        st.form_submit_button("Create", icon=":material/add:", key="create", on_click=_create,
                              disabled=not is_owner())  # fmt: skip


@acting_as_owner
def _create() -> None:
    path = create_project(st.session_state["new_project"].strip())
    st.session_state["new_project"] = ""
    put_in_address("project", path.stem)
