"""Samples that a student writes: what each guard held back and why, and a form to have some written."""

import streamlit as st

from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.reflect.synthesis import Held, Synthesis, funnel, held_back, restore, syntheses, taken_back
from srt_core.steps.synthesize import SYNTHESIZE
from srt_core.ui.frame.form import draw_form
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.page import reporting
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.frame.words import markdown
from srt_core.ui.server.identity import may_own, require_owner, visitor
from srt_core.ui.server.runtime import Project

LISTED = 20
STEPS = {"input": "Inputs", "answer": "Answers"}


def draw_synthesis(project: Project) -> None:
    """Draw the funnel of each task that a student wrote samples of, what was held back, and the form."""
    st.subheader("Written by a student", anchor=False, help="A student writes inputs of a task and answers them "
                 "itself; guards say what is taken (SELF-GUIDE). What is taken comes in as an import, marked "
                 "synthetic.")  # fmt: skip
    job_panel(project, "synthesize")
    found = syntheses(project.store)
    if found:
        names = {place: f"{each.name}, by {each.student}" for place, each in enumerate(found)}
        place = st.selectbox("Task", list(names), format_func=names.__getitem__, key="shown_synthesis") or 0
        _draw_funnel(project.store, found[place])
        _draw_held(project, found[place])
    with st.expander("Have samples written", icon=":material/edit_note:", expanded=False):
        asked = SYNTHESIZE.complete(draw_form(SYNTHESIZE, last_arguments(project, "synthesize")))
        calls = asked["rounds"] * asked["inputs"] * (1 + asked["n"])
        st.markdown(f"Up to {counted(calls, 'call')}. Every try is kept raw before it is judged: pause at any time, "
                    "start again to go on.")  # fmt: skip
        is_ready = asked["task"] and asked["base_url"] and asked["model"] and may_own()
        with reporting():
            if st.button("Write", icon=":material/play_arrow:", type="primary", key="start_synthesis",
                         disabled=not is_ready or bool(project.jobs.running("synthesize"))):  # fmt: skip
                project.start("synthesize", asked)
                st.rerun()


def _draw_funnel(store: Store, shown: Synthesis) -> None:
    tallies = funnel(store, shown.task, shown.student)
    st.dataframe(
        [{"Of": STEPS[each.step], "Guard": each.guard.capitalize(), "Looked at": each.looked_at,
          "Held back": each.held_back, "Share": each.held_back / each.looked_at if each.looked_at else None,
          "Taken by hand": each.restored, "Go on": each.looked_at - each.held_back + each.restored}
         for each in tallies],
        hide_index=True,
        height="content",
        column_config={
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
            **dict.fromkeys(("Looked at", "Held back", "Go on"), st.column_config.NumberColumn(format="localized")),
        },
        alt="Guards in their order, with how many tries each looked at and held back.",
    )  # fmt: skip


def _draw_held(project: Project, shown: Synthesis) -> None:
    """List what was held back, a guard at a time, with a button to take each all the same."""
    guards = [each.guard for each in funnel(project.store, shown.task, shown.student)
              if each.held_back and each.guard != "reply"]  # fmt: skip
    if not guards:
        return
    with st.expander("What was held back, and why", icon=":material/filter_alt:"):
        guard = st.segmented_control("Guard", list(dict.fromkeys(guards)), default=guards[0], required=True,
                                     format_func=str.capitalize, key="shown_guard")  # fmt: skip
        st.markdown("What you take goes on with the next start: an input is answered, an answer imported. "
                    "It is an event, which can be undone here.")  # fmt: skip
        with reporting():
            for each in held_back(project.store, shown.task, shown.student, LISTED, str(guard)):
                _draw_one(project, each)


def _draw_one(project: Project, each: Held) -> None:
    text, action = st.columns((5, 1), vertical_alignment="center")
    with text:
        st.text(" ".join(each.raw.split())[:300] or "(nothing)")
        answers = f" · to: {' '.join(each.input.split())[:120]}" if each.input else ""
        st.caption(f"{markdown(each.detail)}{markdown(answers)}")
    label = "Undo taking it" if each.is_restored else "Take it"
    if action.button(label, key=f"restore_{each.generation_id}", disabled=not may_own()):
        require_owner()
        if each.is_restored:
            taken_back(project.store, each.generation_id, visitor().person.name)
        else:
            restore(project.store, [each.generation_id], visitor().person.name)
        st.rerun()
