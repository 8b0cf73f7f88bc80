"""The trial of a teacher: what is sent about three samples, and what comes back."""

from contextlib import closing

import streamlit as st

from srt_core.errors import TeacherError, TeacherStopError
from srt_core.reflect.prompts import ParsedReflection
from srt_core.reflect.trial import TRIAL_SAMPLES, Trial
from srt_core.steps.step import Arguments
from srt_core.steps.trial import TRIAL, read_trial
from srt_core.ui.frame.page import reporting, show_error
from srt_core.ui.reflect.teacher import is_complete
from srt_core.ui.sample.long_texts import draw_code
from srt_core.ui.server.identity import may_own, require_owner
from srt_core.ui.server.permission import require_allowed
from srt_core.ui.server.runtime import Project


def draw_trial(project: Project, asked: Arguments) -> None:
    """Offer a trial and show the latest one."""
    st.subheader("Try it first")
    st.markdown(f"Asks for both rewrites of the first {TRIAL_SAMPLES} samples and shows what is sent and the raw "
                "replies. **No version is made of them.** The replies are kept, so a run does not pay for them "
                "again.")  # fmt: skip
    if st.button(f"Try it on {TRIAL_SAMPLES} samples", icon=":material/science:", key="try_teacher",
                 disabled=bool(asked["arms"]) or not is_complete(asked) or not may_own()):  # fmt: skip
        st.session_state.pop("trial", None)
        with reporting():
            require_owner()
            require_allowed(TRIAL, asked)
            _try(project, asked)
    name, calls = st.session_state.get("trial", ("", []))
    if name == project.name:
        for call in calls:
            _draw_call(call)


def _try(project: Project, asked: Arguments) -> None:
    """Make the calls, and keep for this session what came: also where a cap or the teacher ended it."""
    try:
        with st.spinner("Waiting for the teacher"), closing(TRIAL.walk(project.store, asked)) as steps:
            for _ in steps:
                pass
    except TeacherStopError as error:
        show_error(error)
    st.session_state["trial"] = (project.name, read_trial(project.store, asked))


def _draw_call(call: Trial) -> None:
    usable = isinstance(call.parsed, ParsedReflection)
    came = "can be used" if usable else "cannot be used" if call.parsed else "no reply"
    icon = ":material/check_circle:" if usable else ":material/cancel:"
    with st.expander(f"Sample {call.seq}, {call.task.stage} reflection: {came}", icon=icon):
        if not call.answer.is_reply:
            show_error(TeacherError(call.answer.detail, call.answer.hint))
        if call.parsed and not isinstance(call.parsed, ParsedReflection):
            st.text(f"{call.parsed.reason}: {call.parsed.detail}")
        left, right = st.columns(2)
        with left:
            st.markdown("Sent")
            for place, message in enumerate(call.request.ask.messages):
                text = message["content"]
                draw_code(f"sent_{call.seq}_{call.task.stage}_{place}", text, height=_height(text))
        with right:
            seconds = f"{call.answer.latency_seconds:.1f} s" if call.answer.latency_seconds else "kept or recorded"
            st.markdown(f"Raw reply ({seconds})")
            draw_code(f"reply_{call.seq}_{call.task.stage}", call.answer.text or "", height=480)


def _height(text: str) -> int:
    return 120 if len(text) < 600 else 340
