"""The Score screen: choose the student and how it is asked, let it run, and see what has no score and why."""

from typing import Any

import streamlit as st

from srt_core.methods import LOSSES, MEASURES, METHODS
from srt_core.project.store import Store
from srt_core.records import LossStatus, counted
from srt_core.score.scorings import UNSCORED, ListedScoring, score_statuses, scoring_in_use, scorings, use_scoring
from srt_core.score.templates import TEMPLATE_NAMES, load_template
from srt_core.steps.encode import ENCODE
from srt_core.steps.score import RECORDING_FORM, SCORE, STUDENT_FORM
from srt_core.steps.step import Argument, Arguments
from srt_core.ui.frame.form import draw_field, draw_form, permitted
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting_as_owner, curator, reporting, show_empty, show_warnings
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.frame.step_panel import render_step
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project
from srt_core.vectors.encodings import encoding_in_use

EXPLORE = "pages/4_Explore.py"
_SETTINGS = {
    "student": "student", "template": "template", "convention": "convention", "max_length": "max length",
}  # fmt: skip
"""How a method's paper scored: the fields that its button fills in, and how they are said."""
STUDENT, RECORDING = "A student", "A recording"
OWN_TEMPLATE = "A file of your own"
STATUS_LABELS = {
    LossStatus.OK: ("Scored", "Both scores are there."),
    LossStatus.TRUNCATED: ("Truncated", "Longer than max length: the scores run over what was kept."),
    LossStatus.NO_TARGET: ("Nothing to score", "An empty text, or a prompt that alone fills max length."),
    LossStatus.CONTEXT_TOO_LONG: (
        "Context too long",
        "System text and earlier turns leave no room within max length. They are never cut.",
    ),
    LossStatus.NOT_CARRIED: (
        "Context not carried",
        "The template has no place for the system text, the earlier turns or all of the instruction. Score with "
        "chatml, vicuna or chat.",
    ),
    LossStatus.NON_FINITE: ("No finite number", "The student gave infinity or not-a-number. Try another model."),
    LossStatus.OUT_OF_MEMORY: ("Out of memory", "It did not fit, even alone. Score again with a smaller max length."),
    UNSCORED: ("Not scored yet", "Start or resume scoring."),
}


def render_score(project: Project) -> None:
    """Draw the Score screen of a project."""
    found = score_statuses(project.store)
    if not found:
        show_empty("There is nothing to score yet. Import pairs first.", "pages/1_Import.py", "Import pairs")
        return
    _draw_state(project, found)
    job_panel(project, "score")
    _draw_scorings(project)
    asked = _choose_student(last_arguments(project, "score") or _in_use(project.store))
    _draw_start(project, asked)
    _draw_vectors(project)


def _draw_vectors(project: Project) -> None:
    """Say which vectors there are, and offer to compute them."""
    st.subheader("Vectors", help="By them Explore and Review find similar samples, semantic drift is measured, and "
                 "triage learns from decisions.")  # fmt: skip
    found = encoding_in_use(project.store)
    said = "No version has a vector yet, so no sample is known to be similar to another."
    if found:
        said = f"{counted(found.vectors, 'version| has|')} a vector, by the encoder {found.encoder}."
    st.text(said)
    render_step(
        project,
        ENCODE,
        "Compute vectors",
        "Computes the vectors that are missing. Words alone need no model; a student or a sentence model tells more.",
        "Compute vectors",
    )


def _in_use(store: Store) -> dict[str, Any]:
    """Return the settings of the scoring in use, where the app itself has not scored yet."""
    found = scoring_in_use(store)
    if found is None:
        return {}
    template = found.template if found.template in TEMPLATE_NAMES else TEMPLATE_NAMES[0]
    return {**{name: getattr(found, name) for name in ("student", "convention", "max_length")}, "template": template}


def _choose_student(last: dict[str, Any]) -> dict[str, Any]:
    """Ask for the student and how it is asked, or for a recording, beginning with what the latest run used."""
    st.subheader("Student")
    first = RECORDING if last.get("replay") else STUDENT
    way = st.segmented_control("Where do the scores come from?", [STUDENT, RECORDING], default=first, required=True,
                               key="student_way", persist_state="session")  # fmt: skip
    if way == RECORDING:
        return SCORE.complete(draw_form(SCORE, last, RECORDING_FORM))
    _offer_methods()
    return SCORE.complete(draw_form(SCORE, last, STUDENT_FORM, own={"template": _choose_template}))


def _offer_methods() -> None:
    """Offer what each method's paper scores with, to be put into the fields below."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Fill in what a paper used:", width="content")
        for method in METHODS.values():
            used = {name: getattr(method, name) for name in _SETTINGS if getattr(method, name)}
            if used:
                said = [f"{_SETTINGS[name]} {value}" for name, value in used.items()]
                said += [MEASURES[loss.measure].label for loss in method.losses]
                added = {loss.measure: loss in method.losses for loss in LOSSES.values()}
                st.button(method.label, key=f"score_as_{method.name}", type="tertiary",
                          help=f"{', '.join(said)}: {method.paper}",
                          on_click=st.session_state.update, args=(used | added,))  # fmt: skip


def _choose_template(argument: Argument, last: str) -> str:
    """Ask for a template that comes with srt, or for a file, and show the texts of whichever it is."""
    is_own = last not in TEMPLATE_NAMES
    choices = {name: name for name in (*TEMPLATE_NAMES, OWN_TEMPLATE)}
    chosen = draw_field(argument, OWN_TEMPLATE if is_own else last, choices=choices)
    if chosen == OWN_TEMPLATE:
        path = st.text_input("Template file on this server", last if is_own else "", key="template_path",
                             disabled=not may_own(),
                             persist_state="session", placeholder="/data/template.toml",
                             help="TOML with with_input, no_input and reverse_request; system, user and assistant "
                             "where it can carry a system text and earlier turns.")  # fmt: skip
        chosen = (path or "").strip()
    if chosen:
        chosen = permitted(argument, chosen)
    if chosen:
        with st.expander("Its texts", icon=":material/notes:"), reporting():
            shown = load_template(chosen)
            for name, text in shown.texts.items():
                st.text(name)
                st.code(text, language=None, wrap_lines=True)
    return str(chosen)


def _draw_start(project: Project, asked: Arguments) -> None:
    running = bool(project.jobs.running("score"))
    is_complete = bool(asked["replay"] or (asked["student"] and asked["template"]))
    if is_complete and not running:
        with reporting():
            show_warnings(SCORE.warn(project.store, asked))
    with reporting():
        if st.button("Start scoring", icon=":material/play_arrow:", type="primary", key="start_score",
                     disabled=running or not is_complete or not may_own()):  # fmt: skip
            project.start("score", asked)
            st.rerun()
    if not is_complete:
        st.markdown("Name a student or a recording to start.")
    elif not running:
        st.markdown("Scores what has no score yet under these settings. What is done is kept: pause at any time.")


def _draw_state(project: Project, found: dict[str, int]) -> None:
    """Say how many versions have both scores under the scoring in use, and what the others lack."""
    scoring = scoring_in_use(project.store)
    of_all, scored = sum(found.values()), found.get(LossStatus.OK, 0) + found.get(LossStatus.TRUNCATED, 0)
    if scoring is None:
        st.markdown(f"**No scores yet.** The student is to score {counted(of_all, 'version')}: name it below.")
        return
    all_of_them = (
        f"All {counted(of_all, 'version| has|')}"
        if scored == of_all
        else (f"{scored:,} of {counted(of_all, 'version| has|')}")
    )
    st.markdown(f"**{all_of_them} both scores.**")
    st.text(told(f"By {scoring.student}, template {scoring.template}."))
    if set(found) != {LossStatus.OK}:
        _draw_statuses(found)


def _draw_statuses(found: dict[str, int]) -> None:
    st.dataframe(
        [
            {"State": STATUS_LABELS[name][0], "Versions": found[name], "What it means": STATUS_LABELS[name][1]}
            for name in STATUS_LABELS
            if name in found
        ],
        hide_index=True,
        column_config={"Versions": st.column_config.NumberColumn(format="localized")},
        alt="Versions counted by the state of their score.",
    )
    with st.container(horizontal=True):
        if found.get(LossStatus.TRUNCATED):
            st.page_link(EXPLORE, label="Show samples that were truncated", icon=PAGES[EXPLORE][1],
                         query_params=address(problem="truncated"))  # fmt: skip
        if set(found) - {LossStatus.OK, LossStatus.TRUNCATED}:
            st.page_link(EXPLORE, label="Show samples without a score", icon=PAGES[EXPLORE][1],
                         query_params=address(problem="without a score"))  # fmt: skip


def _draw_scorings(project: Project) -> None:
    found = scorings(project.store)
    if not found:
        return
    with st.expander(f"All {counted(len(found), 'scoring')} of this project" if len(found) > 1 else
                     "How it was scored", icon=":material/list:", expanded=len(found) > 1):  # fmt: skip
        _draw_listed(project, found)


def _draw_listed(project: Project, found: list[ListedScoring]) -> None:
    st.caption("One for each student, template, convention and max length. Their scores never mix.")
    st.dataframe(
        [
            {
                "Number": each.scoring_id,
                "In use": each.in_use,
                "Student": told(each.student),
                "Template": each.template,
                "Convention": each.convention,
                "Max length": each.max_length,
                "Precision": each.dtype,
                "Scored": each.scored,
                "Begun": local_time(each.made_at, "%Y-%m-%d %H:%M"),
                "Remarks": each.batching,
            }
            for each in found
        ],
        hide_index=True,
        column_config={"Scored": st.column_config.NumberColumn(format="localized")},
        alt="The scorings, with the one in use marked.",
    )
    others = [each.scoring_id for each in found if not each.in_use]
    if others:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox("Another scoring", others, format_func=lambda number: f"Number {number}", key="scoring",
                         width=200)  # fmt: skip
            st.button("Use it", key="use_scoring", icon=":material/swap_horiz:", on_click=_use, args=(project,),
                      disabled=not may_own())  # fmt: skip


@acting_as_owner
def _use(project: Project) -> None:
    use_scoring(project.store, st.session_state["scoring"], curator())
