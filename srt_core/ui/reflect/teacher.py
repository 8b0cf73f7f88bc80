"""Which teacher writes, and how it is asked: the form at the head of the Reflect screen."""

import os
from pathlib import Path
from typing import Any

import streamlit as st

from srt_core.records import Stage
from srt_core.reflect.prompts import ReplyFormat
from srt_core.score.templates import TEMPLATE_NAMES
from srt_core.steps.steps import Arguments, Mode, make_prompts
from srt_core.ui.frame.page import reporting
from srt_core.ui.server.identity import may_own

ENDPOINT, REPLAY = "A live endpoint", "A replay file"
MODE_LABELS = {Mode.FULL: "Full", Mode.SEQUENTIAL: "Sequential"}
MODE_HELP = {
    Mode.FULL: "Every rewrite of every sample: 3 calls each. Any threshold can move later.",
    Mode.SEQUENTIAL: "2 calls each and the same decisions: the response of what won the instruction stage alone. With "
    "a student below it scores as it goes; without one, score after the instruction rewrites, then reflect again.",
}
BY_TRYING = "found by trying"
LATER = "By the Batch API"


def choose_teacher(last: dict[str, Any]) -> dict[str, Any]:
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
    student: dict[str, Any] = _choose_student(last) if mode is Mode.SEQUENTIAL else {}
    with st.expander("More settings", icon=":material/settings:"):
        more = _choose_more(last, is_live=way != REPLAY)
    kept = {name: last.get(name) for name in ("max_calls", "max_cost")}
    return {**kept, **chosen, **student, **more, "mode": str(mode), "retry_failed": False, "note": "", "only": []}


def is_complete(asked: Arguments) -> bool:
    """Whether a teacher is named."""
    return bool(asked["replay"] or (asked.get("base_url") and asked.get("model")))


def _choose_endpoint(last: dict[str, Any]) -> dict[str, Any]:
    url, model, variable = st.columns([3, 2, 2])
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
    return {
        "replay": "",
        "base_url": (base_url or "").strip(),
        "model": (name or "").strip(),
        "key_variable": (key_variable or "").strip(),
    }


def _choose_replay(last: dict[str, Any]) -> dict[str, Any]:
    path = st.text_input("File of recorded replies on this server", last.get("replay", ""), key="replay_path",
                         disabled=not may_own(),
                         persist_state="session", placeholder="/data/replies.jsonl",
                         help="JSON Lines, one call a line: stage, instruction, input, response, reply, "
                              "finish_reason.")  # fmt: skip
    return {"replay": str(Path(path.strip()).expanduser()) if path and path.strip() else ""}


def _choose_student(last: dict[str, Any]) -> dict[str, Any]:
    left, right = st.columns([4, 2])
    student = left.text_input("Student that scores beside the calls (a folder on this server, or a hub name)",
                              last.get("student", ""), key="reflect_student",
                              disabled=not may_own(), persist_state="session",
                              placeholder="none: score by hand, then reflect again")  # fmt: skip
    known = last.get("template", TEMPLATE_NAMES[0])
    template = right.selectbox("Template", TEMPLATE_NAMES, key="reflect_template", persist_state="session",
                               index=TEMPLATE_NAMES.index(known if known in TEMPLATE_NAMES else TEMPLATE_NAMES[0]),
                               help="The prompt that the student will be trained with.")  # fmt: skip
    return {"student": (student or "").strip(), "template": template}


def _choose_more(last: dict[str, Any], *, is_live: bool) -> dict[str, Any]:
    prompts = st.text_input("Prompts file on this server", last.get("prompts", ""), key="prompts_path",
                            disabled=not may_own(),
                            persist_state="session", placeholder="those that come with srt",
                            help="A copy of ours with your wording. Rewrites of other prompts stand beside those "
                                 "there are; Thresholds chooses whose are taken.")  # fmt: skip
    chosen: dict[str, Any] = {"prompts": (prompts or "").strip(), "concurrency": 16}
    if not is_live:
        return chosen
    at_once, rpm, tpm, deadline = st.columns(4)
    chosen["concurrency"] = int(at_once.number_input(
        "Calls at once", 1, 1024, last.get("concurrency", 16), key="concurrency", persist_state="session",
        help="At most: fewer where the server asks for fewer."))  # fmt: skip
    chosen["requests_per_minute"] = rpm.number_input(
        "Requests a minute", 0.1, None, last.get("requests_per_minute"), key="rpm", persist_state="session",
        placeholder="no limit")  # fmt: skip
    chosen["tokens_per_minute"] = tpm.number_input(
        "Tokens a minute", 1.0, None, last.get("tokens_per_minute"), key="tpm", persist_state="session",
        placeholder="no limit")  # fmt: skip
    chosen["deadline_seconds"] = deadline.number_input(
        "Seconds a call may take", 1.0, None, last.get("deadline_seconds", 120.0), key="deadline",
        persist_state="session")  # fmt: skip
    warm, most, form, batch = st.columns(4, vertical_alignment="bottom")
    chosen["temperature"] = warm.number_input(
        "Temperature", 0.0, 2.0, last.get("temperature", 0.0), key="temperature", persist_state="session",
        help="0: the likeliest words.")  # fmt: skip
    chosen["max_tokens"] = int(most.number_input(
        "Tokens of a reply, at most", 16, None, last.get("max_tokens", 2048), key="max_tokens",
        persist_state="session"))  # fmt: skip
    forms = [BY_TRYING, *ReplyFormat]
    found = form.selectbox("Form of the reply", forms, index=forms.index(last.get("reply_format") or BY_TRYING),
                           key="reply_format", persist_state="session",
                           help="json: by a schema, where the server holds to it; sections: by tags.")  # fmt: skip
    chosen["reply_format"] = "" if found == BY_TRYING else str(found)
    chosen["is_batch"] = bool(batch.toggle(LATER, last.get("is_batch", False), key="is_batch", persist_state="session",
                              help="Cheaper, within a day. Pause it and come back: nothing is lost."))  # fmt: skip
    return chosen


def draw_prompts(asked: Arguments) -> None:
    """Show the criteria and the texts of the prompts."""
    with st.expander("What the teacher is asked for", icon=":material/checklist:"), reporting():
        prompts = make_prompts(asked)
        st.text(f"Prompts, version {prompts.version}")
        for stage in Stage:
            st.markdown(f"**{stage.capitalize()} reflection**: a critique by these criteria, then the rewrite.")
            st.dataframe(
                [{"Criterion": key.replace("_", " "), "What it means": text}
                 for key, text in prompts.stages[stage].criteria.items()],
                hide_index=True,
                alt=f"Criteria of the {stage} reflection.",
            )  # fmt: skip
        st.download_button("Download the prompts to edit a copy", prompts.source, "prompts.toml",
                           icon=":material/download:", key="download_prompts", on_click="ignore")  # fmt: skip
