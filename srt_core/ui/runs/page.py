"""The Runs screen: what is trained and how far, a new training with its plan, and what students learnt."""

from pathlib import Path
from typing import Any

import streamlit as st

from srt_core.export.past import past_exports
from srt_core.steps.jobs import JobState
from srt_core.steps.train import TRAIN
from srt_core.steps.warmup import WARMUP
from srt_core.train.evaluating import summary
from srt_core.train.runs import Run, RunState, losses, runs
from srt_core.ui.frame.form import draw_form
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import fragment, reporting, show_empty, show_warnings
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.frame.words import number
from srt_core.ui.runs.comparison import draw_comparison
from srt_core.ui.runs.figures import loss_lines
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

EXPORT = "pages/8_Export.py"
_TRAINABLE = "prompt_completion"
LIVE_SECONDS = 2.0
TRAINERS = ("train", "arms", "plan_training", "evaluate", "warmup")
ON_EXPORT, WARMING = "An export", "A warm-up before scoring"
STATES = {
    RunState.RUNNING: "Training",
    RunState.DONE: "Done",
    RunState.PAUSED: "Paused, can go on",
    RunState.FAILED: "Failed, can be tried again",
    RunState.INTERRUPTED: "Killed, can go on",
}
_CURVES = 3


def render_runs(project: Project) -> None:
    """Draw the whole screen."""
    found = _runs(project)
    st.markdown(_opening(found))
    for kind in TRAINERS:
        job_panel(project, kind)
    if found:
        _draw_runs(found)
        _draw_live(project)
        _draw_learnt(project, found)
        draw_comparison(project, found)
    elif not any(project.jobs.running(kind) for kind in TRAINERS) and not _exported(project):
        show_empty(
            "Export first, with the format Prompt and completion and a part for validation: what is put aside there "
            "tells afterwards what a student learnt. Then train on its folder here.",
            EXPORT,
            "Export",
        )
    _draw_form(project)


def _runs(project: Project) -> list[Run]:
    return runs(project.store, is_live=any(project.jobs.running(kind) for kind in ("train", "arms")))


def _opening(found: list[Run]) -> str:
    """Say in numbers what there is."""
    if not found:
        return "No student is trained yet. Here one is trained on an export, and compared with what it was before."
    states = {state: sum(run.state is state for run in found) for state in RunState}
    parts = [f"{states[state]:,} {label}" for state, label in
             ((RunState.DONE, "trained"), (RunState.RUNNING, "in training")) if states[state]]  # fmt: skip
    waiting = sum(run.can_go_on for run in found)
    parts += [f"{waiting:,} stopped, which can go on"] if waiting else []
    return f"Students of this project: {', '.join(parts)}."


def _draw_runs(found: list[Run]) -> None:
    st.subheader("Runs")
    st.dataframe(
        [
            {
                "Run": run.run_id,
                "State": STATES[run.state],
                "Arm": run.arm,
                "Seed": run.seed,
                "Steps": f"{run.steps:,} of {run.plan['steps']:,}",
                "Tokens": run.tokens,
                "Weights": f"LoRA, rank {run.settings['lora']}" if run.settings["lora"] else "all",
                "Export": told(run.export_folder),
                "Trained student": told(run.trained) if run.state is RunState.DONE else told(run.message),
                "Begun (UTC)": run.made_at,
            }
            for run in found
        ],
        hide_index=True,
        column_config={
            "State": st.column_config.TextColumn(width=170),
            "Tokens": st.column_config.NumberColumn(format="localized"),
        },
        alt="The runs, the newest first, with their state.",
    )
    with st.container(horizontal=True):
        st.page_link(EXPORT, label="Exports", icon=PAGES[EXPORT][1], query_params=address())
        st.page_link("pages/3_Score.py", label="Score with a trained student", icon=PAGES["pages/3_Score.py"][1],
                     query_params=address())  # fmt: skip


def _draw_live(project: Project) -> None:
    is_running = any(project.jobs.running(kind) for kind in ("train", "arms"))
    fragment(_draw_losses, run_every=LIVE_SECONDS if is_running else None)(project)


def _draw_losses(project: Project) -> None:
    """Draw the losses of the latest runs that have some."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for run in _runs(project):
        points = [(row["step"], row["loss"]) for row in losses(project.store, run.run_id)]
        if points and len(curves) < _CURVES:
            curves[run.name] = points
    if curves:
        st.markdown("**Loss of the latest runs, step by step**")
        last = "; ".join(f"{name}: {points[-1][1]:.4f} at step {points[-1][0]:,}" for name, points in curves.items())
        st.plotly_chart(loss_lines(curves), key="run_losses", alt=f"Loss by step. {last}")
        st.text(last)


def _draw_learnt(project: Project, found: list[Run]) -> None:
    """Show what a run's evaluation says, and offer one where there is none."""
    done = {run.run_id: run for run in found if run.state is RunState.DONE}
    if not done:
        return
    st.subheader("What a student learnt")
    chosen = st.selectbox("Run", list(done), format_func=lambda key: done[key].name, key="run", width=320)
    rows = summary(project.store, chosen) if chosen else []
    if not rows:
        st.markdown(
            "Not evaluated yet: the losses of what was put aside, original and rewritten, by it and its parent."
        )
        with reporting():
            if st.button("Evaluate", icon=":material/analytics:", key="evaluate", type="primary",
                         disabled=bool(project.jobs.running("evaluate")) or not may_own()):  # fmt: skip
                project.start("evaluate", {"run": chosen})
                st.rerun()
        return
    by_task = st.toggle("By task", key="runs_by_task")
    st.dataframe(
        [_learnt(row) for row in (summary(project.store, chosen, by_task=True) if by_task else rows)],
        hide_index=True,
        alt="Losses and IFD before and after training, on both sides.",
    )
    st.caption("Losses are means in nats a token, given the instruction and alone. Lower is easier for the student.")


def _learnt(row: dict[str, Any]) -> dict[str, object]:
    return {
        "Responses": row["side"].capitalize(),
        "Samples": "Trained on" if row["seen"] else "Put aside",
        **({"Task": row["task"]} if row["task"] else {}),
        "Versions": row["versions"],
        "Loss before": number(row["parent_loss"], 4),
        "Loss after": number(row["loss"], 4),
        "Alone before": number(row["parent_alone"], 4),
        "Alone after": number(row["alone"], 4),
        "IFD before": number(row["parent_ifd"], 3),
        "IFD after": number(row["ifd"], 3),
    }


def _exported(project: Project) -> str:
    """Return the folder of the latest export that a student can be trained on; "" where there is none."""
    trainable = (past.path for past in past_exports(project.store) if _TRAINABLE in past.formats)
    return next((path for path in trainable if Path(path).is_dir()), "")


def _draw_form(project: Project) -> None:
    st.subheader("Train a student")
    way = st.segmented_control("What on?", [ON_EXPORT, WARMING], default=ON_EXPORT, required=True, key="runs_way",
                               persist_state="session")  # fmt: skip
    if way == WARMING:
        _draw_warmup(project)
        return
    begin = {"export": _exported(project), **last_arguments(project, "train")}
    asked = TRAIN.complete(draw_form(TRAIN, begin))
    running = any(project.jobs.running(kind) for kind in TRAINERS)
    is_complete = bool(asked["export"])
    is_planned = False
    if is_complete and not running:
        with reporting():
            show_warnings(TRAIN.warn(project.store, asked))
            is_planned = True
    job = project.jobs.latest("plan_training")
    if job and job.state is JobState.DONE and not running:
        st.text(f"Measured: {told(job.progress.message)}")
    with st.container(horizontal=True), reporting():
        off = running or not is_planned or not may_own()
        if st.button("Measure a few steps", icon=":material/timer:", key="plan_training", disabled=off):
            project.start("plan_training", asked)
            st.rerun()
        if st.button("Start training", icon=":material/play_arrow:", key="start_train", type="primary", disabled=off):
            project.start("train", asked)
            st.rerun()
    if not is_complete:
        st.markdown("Name the folder of an export to start.")


def _draw_warmup(project: Project) -> None:
    st.markdown(
        "The student reads about a thousand pairs once, as Cherry's does before it scores: the middle of each group of "
        "prompts. No sample that an audit drew is among them. It becomes another student, to score with."
    )
    asked = WARMUP.complete(draw_form(WARMUP, last_arguments(project, "warmup")))
    with reporting():
        if st.button("Warm up", icon=":material/play_arrow:", key="start_warmup", type="primary",
                     disabled=any(project.jobs.running(kind) for kind in TRAINERS) or not may_own()):  # fmt: skip
            project.start("warmup", asked)
            st.rerun()
