"""Which teacher writes, and how it is asked: the form at the head of the Reflect screen."""

import os
from typing import Any

import streamlit as st

from srt_core.records import REFLECTIONS
from srt_core.steps.preparing import make_prompts
from srt_core.steps.reflect import REFLECT
from srt_core.steps.reflect_arguments import (
    ARMS_FORM,
    ENDPOINT_FORM,
    LIVE_FORM,
    MODE_FORM,
    MORE_FORM,
    REPLAY_FORM,
    STUDENT_FORM,
    Mode,
)
from srt_core.steps.step import Argument, Arguments
from srt_core.ui.frame.form import draw_field, draw_form
from srt_core.ui.frame.page import reporting
from srt_core.ui.reflect.models import draw_model

ENDPOINT, REPLAY, SEVERAL = "A live endpoint", "A replay file", "Several teachers"
_FORMS = {ENDPOINT: ENDPOINT_FORM, REPLAY: REPLAY_FORM, SEVERAL: ARMS_FORM}


def choose_teacher(last: dict[str, Any]) -> dict[str, Any]:
    """Ask for the teacher and how to use it, beginning with what the latest run used."""
    st.subheader("Teacher")
    first = SEVERAL if last.get("arms") else REPLAY if last.get("replay") else ENDPOINT
    way = st.segmented_control("Where do the rewrites come from?", [*_FORMS], default=first, required=True,
                               key="teacher_way", persist_state="session")  # fmt: skip
    is_live = way != REPLAY
    chosen = {"replay": "", "arms": "", "base_url": "", "model": ""}
    chosen |= draw_form(
        REFLECT,
        last,
        _FORMS[way],
        own={"model": draw_model, "key_variable": _draw_variable},
    )
    chosen |= draw_form(REFLECT, last, MODE_FORM)
    if chosen["mode"] == Mode.SEQUENTIAL:
        chosen |= draw_form(REFLECT, last, STUDENT_FORM)
    chosen |= draw_form(REFLECT, last, MORE_FORM, *([LIVE_FORM] if is_live else []))
    return REFLECT.complete(chosen)


def is_complete(asked: Arguments) -> bool:
    """Whether a teacher is named."""
    return bool(asked["replay"] or asked["arms"] or (asked.get("base_url") and asked.get("model")))


def _draw_variable(argument: Argument, begin: Any) -> Any:
    """Ask for the variable of the key, and say whether it is set here; never what it holds."""
    name = draw_field(argument, begin)
    if not name:
        return name
    is_set = bool(os.environ.get(name))
    st.badge("set" if is_set else "not set", color="green" if is_set else "gray",
             icon=":material/key:" if is_set else ":material/key_off:")  # fmt: skip
    return name


def draw_prompts(asked: Arguments) -> None:
    """Show the criteria and the texts of the prompts."""
    with st.expander("What the teacher is asked for", icon=":material/checklist:"), reporting():
        prompts = make_prompts(asked)
        st.text(f"Prompts, version {prompts.version}")
        for stage in REFLECTIONS:
            st.markdown(f"**{stage.capitalize()} reflection**: a critique by these criteria, then the rewrite.")
            st.dataframe(
                [{"Criterion": key.replace("_", " "), "What it means": text}
                 for key, text in prompts.stages[stage].criteria.items()],
                hide_index=True,
                alt=f"Criteria of the {stage} reflection.",
            )  # fmt: skip
        st.download_button("Download the prompts to edit a copy", prompts.source, "prompts.toml",
                           icon=":material/download:", key="download_prompts", on_click="ignore")  # fmt: skip
