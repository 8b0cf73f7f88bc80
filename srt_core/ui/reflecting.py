"""The Reflect screen: choose a teacher, try it on three samples, let it run, and look at what failed."""

import os
from pathlib import Path
from typing import Any

import streamlit as st

from srt_core.pipeline import TRIAL_SAMPLES, Mode, Trial, count_calls, trial
from srt_core.prompts import ParsedReflection, load_prompts
from srt_core.records import Stage
from srt_core.status import status
from srt_core.ui.page import reporting, show_empty, show_error
from srt_core.ui.progress import job_panel, last_arguments
from srt_core.ui.reflecting_log import draw_failures, draw_outcomes
from srt_core.ui.runtime import Project
from srt_core.ui.steps import Arguments, make_teacher

ENDPOINT, REPLAY = "A live endpoint", "A replay file"
MODE_LABELS = {Mode.FULL: "Full", Mode.SEQUENTIAL: "Sequential"}
MODE_HELP = {
    Mode.FULL: "Every rewrite of every sample: 3 calls each. Any threshold can move later.",
    Mode.SEQUENTIAL: "2 calls each and the same decisions: after the instruction rewrites score the project, then "
    "reflect again for the responses of those that won.",
}


def render_reflect(project: Project) -> None:
    """Draw the Reflect screen of a project."""
    counts = status(project.store)
    if not counts["samples"]:
        show_empty("There is nothing to reflect on yet. Import pairs first.", "pages/1_Import.py", "Import pairs")
        return
    job_panel(project, "reflect")
    asked = _choose_teacher(last_arguments(project, "reflect"))
    _draw_criteria()
    _draw_trial(project, asked)
    _draw_start(project, asked, counts["failed_reflections"])
    draw_outcomes(project.store)
    draw_failures(project.store, counts["failed_reflections"])


def _choose_teacher(last: dict[str, Any]) -> dict[str, Any]:
    """Ask for the teacher and how to use it, beginning with what the latest run used."""
    st.subheader("Teacher")
    first = REPLAY if last.get("replay") else ENDPOINT
    way = st.segmented_control("Where do the rewrites come from?", [ENDPOINT, REPLAY], default=first, required=True,
                               key="teacher_way", persist_state="session")  # fmt: skip
    chosen = _choose_replay(last) if way == REPLAY else _choose_endpoint(last)
    mode = st.radio(
        "Mode", list(Mode), index=list(Mode).index(Mode(last.get("mode", Mode.FULL))),
        format_func=MODE_LABELS.__getitem__, captions=list(MODE_HELP.values()), key="mode", persist_state="session",
    )  # fmt: skip
    return {**chosen, "mode": str(mode), "retry_failed": False}


def _choose_endpoint(last: dict[str, Any]) -> dict[str, Any]:
    url, model, variable, at_once = st.columns([3, 2, 2, 1])
    base_url = url.text_input("Base URL", last.get("base_url", ""), key="base_url", persist_state="session",
                              placeholder="http://127.0.0.1:8000/v1",
                              help="Any server that speaks OpenAI's chat completions.")  # fmt: skip
    name = model.text_input("Model", last.get("model", ""), key="model", persist_state="session",
                            help="As the server knows it.")  # fmt: skip
    with variable:
        key_variable = st.text_input("Variable with the key", last.get("key_variable", "OPENAI_API_KEY"),
                                     key="key_variable", persist_state="session",
                                     help="The name of an environment variable of this server. The key itself is never "
                                          "asked for, shown or stored.")  # fmt: skip
        is_set = bool(os.environ.get((key_variable or "").strip()))
        st.badge("set" if is_set else "not set", color="green" if is_set else "gray",
                 icon=":material/key:" if is_set else ":material/key_off:")  # fmt: skip
    concurrency = at_once.number_input("Calls at once", 1, 1024, last.get("concurrency", 8), key="concurrency",
                                       persist_state="session")  # fmt: skip
    return {
        "replay": "",
        "base_url": (base_url or "").strip(),
        "model": (name or "").strip(),
        "key_variable": (key_variable or "").strip(),
        "concurrency": int(concurrency),
    }


def _choose_replay(last: dict[str, Any]) -> dict[str, Any]:
    path = st.text_input("File of recorded replies on this server", last.get("replay", ""), key="replay_path",
                         persist_state="session", placeholder="/data/replies.jsonl",
                         help="JSON Lines, one call a line: stage, instruction, input, response, reply, "
                              "finish_reason.")  # fmt: skip
    return {"replay": str(Path(path.strip()).expanduser()) if path and path.strip() else "", "concurrency": 8}


def _is_complete(asked: Arguments) -> bool:
    return bool(asked["replay"] or (asked.get("base_url") and asked.get("model")))


def _draw_criteria() -> None:
    with st.expander("What the teacher is asked for", icon=":material/checklist:"), reporting():
        prompts = load_prompts()
        for stage in Stage:
            st.markdown(f"**{stage.capitalize()} reflection**: a critique by these criteria, then the rewrite.")
            st.dataframe(
                [{"Criterion": key.replace("_", " "), "What it means": text}
                 for key, text in prompts.stages[stage].criteria.items()],
                hide_index=True,
                alt=f"Criteria of the {stage} reflection.",
            )  # fmt: skip


def _draw_trial(project: Project, asked: Arguments) -> None:
    st.subheader("Try it first")
    st.markdown(f"Asks for both rewrites of the first {TRIAL_SAMPLES} samples and shows the raw replies. "
                "**These replies are not stored.**")  # fmt: skip
    if st.button(f"Try it on {TRIAL_SAMPLES} samples", icon=":material/science:", key="try_teacher",
                 disabled=not _is_complete(asked)):  # fmt: skip
        st.session_state.pop("trial", None)
        with reporting(), st.spinner("Waiting for the teacher"):
            calls = trial(project.store, make_teacher(asked), load_prompts())
            st.session_state["trial"] = (project.name, calls)
    name, calls = st.session_state.get("trial", ("", []))
    if name == project.name:
        for call in calls:
            _draw_call(call)


def _draw_call(call: Trial) -> None:
    verdict = "accepted" if isinstance(call.parsed, ParsedReflection) else "refused" if call.reply else "no reply"
    icon = ":material/check_circle:" if verdict == "accepted" else ":material/cancel:"
    with st.expander(f"Sample {call.seq}, {call.stage} reflection: {verdict}", icon=icon):
        if call.error:
            show_error(call.error)
        if call.parsed and not isinstance(call.parsed, ParsedReflection):
            st.text(f"{call.parsed.reason}: {call.parsed.detail}")
        st.markdown("Sent about")
        st.code(_whole(call), language=None, wrap_lines=True, height=140)
        if call.reply:
            seconds = f"{call.reply.latency_seconds:.1f} s" if call.reply.latency_seconds else "recorded"
            st.markdown(f"Raw reply ({seconds})")
            st.code(call.reply.text, language=None, wrap_lines=True, height=360)


def _whole(call: Trial) -> str:
    parts = [call.pair.instruction, call.pair.input, call.pair.response]
    return "\n\n".join(part for part in parts if part)


def _draw_start(project: Project, asked: Arguments, failed: int) -> None:
    st.subheader("Run")
    calls = count_calls(project.store, Mode(asked["mode"]))
    missing = f"About **{calls:,} calls** are missing in this mode, if every reply can be used at once."
    st.markdown(f"{missing if calls else 'No call is missing in this mode.'} A run commits every reply as it arrives: "
                "pause it at any time, start again to go on.")  # fmt: skip
    running = bool(project.jobs.running("reflect"))
    blocked = running or not _is_complete(asked)
    with st.container(horizontal=True), reporting():
        start = st.button("Start", icon=":material/play_arrow:", type="primary", disabled=blocked or not calls,
                          key="start_reflect")  # fmt: skip
        retry = failed and st.button(f"Retry {failed:,} failed", icon=":material/refresh:", key="retry_reflect",
                                     disabled=blocked, help="Ask again where the reply could not be used.")  # fmt: skip
        if start or retry:
            make_teacher(asked)  # what is wrong with it is said before anything is stored
            project.start("reflect", {**asked, "retry_failed": bool(retry)})
            st.session_state.pop("trial", None)
            st.rerun()
    if not _is_complete(asked):
        st.markdown("Name the teacher above to start.")
