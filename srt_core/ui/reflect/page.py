"""The Reflect screen: choose a teacher, try it on three samples, see what a run will take, let it run."""

from typing import Any

import streamlit as st

from srt_core.reflect.asking import Asker
from srt_core.reflect.estimate import Estimate, estimate
from srt_core.reflect.missing import Missing, count_missing
from srt_core.reflect.prices import Price, price_of, set_price
from srt_core.reflect.run import producer_of
from srt_core.reflect.spending import spent_by
from srt_core.review.status import status
from srt_core.steps.steps import Arguments, Mode, make_plan, make_prompts, make_teacher, settled_by
from srt_core.ui.frame.page import reporting, show_empty
from srt_core.ui.frame.progress import job_panel, last_arguments
from srt_core.ui.reflect.log import draw_failures, draw_outcomes
from srt_core.ui.reflect.teacher import choose_teacher, draw_prompts, is_complete
from srt_core.ui.reflect.trial import draw_trial
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project


def render_reflect(project: Project) -> None:
    """Draw the Reflect screen of a project."""
    counts = status(project.store)
    if not counts["samples"]:
        show_empty("There is nothing to reflect on yet. Import pairs first.", "pages/1_Import.py", "Import pairs")
        return
    job_panel(project, "reflect")
    draw_outcomes(project)
    asked = choose_teacher(last_arguments(project, "reflect"))
    draw_prompts(asked)
    draw_trial(project, asked)
    _draw_run(project, asked)
    draw_failures(project, asked, counts["failed_reflections"])


def _draw_run(project: Project, asked: dict[str, Any]) -> None:
    st.subheader("Run")
    if not is_complete(asked):
        calls = _count(project, asked)
        st.markdown(f"About **{calls:,} calls** are missing in this mode, if every reply can be used at once. "
                    "Name the teacher above to start.")  # fmt: skip
        st.button("Start", icon=":material/play_arrow:", type="primary", disabled=True, key="start_reflect")
        return
    with reporting():
        found = _estimate(project, asked)
        _draw_estimate(found)
        caps = {} if asked["replay"] else _choose_caps(project, asked, found)
        _draw_start(project, {**asked, **caps}, found.calls)


def _count(project: Project, asked: Arguments) -> int:
    """Return the number of calls that a new teacher would need."""
    return count_missing(Missing(project.store, "", settled_by(Mode(asked["mode"]))))


def _estimate(project: Project, asked: Arguments) -> Estimate:
    teacher, prompts, plan = make_teacher(asked), make_prompts(asked), make_plan(asked)
    producer = producer_of(project.store, teacher, prompts)
    missing = Missing(project.store, producer, plan.settled, plan.attempts if teacher.is_live else 1)
    return estimate(missing, teacher, Asker(teacher, prompts), is_batch=bool(asked.get("is_batch")))


def _draw_estimate(found: Estimate) -> None:
    if not found.calls:
        st.markdown("No call is missing in this mode.")
        return
    calls, sent, written, cost = st.columns(4)
    calls.metric("Calls", f"{found.calls:,}", help="If every reply can be used at once.")
    basis = "As its replies so far." if found.is_measured else "A guess until it has replied: try it on 3 samples."
    sent.metric("Tokens sent", f"{found.prompt_tokens:,}", help=f"Four characters a token. {basis}")
    written.metric("Tokens written", f"{found.completion_tokens:,}", help=basis)
    cost.metric("Cost", "not known" if found.cost is None else f"$ {found.cost:,.2f}",
                help="In US dollars. Not known where no price is given below.")  # fmt: skip


def _choose_caps(project: Project, asked: Arguments, found: Estimate) -> dict[str, Any]:
    """Ask for prices and for the caps at which the run pauses."""
    model = asked["model"]
    known = price_of(project.store, model)
    price_in, price_out, share, dollars, calls = st.columns(5, vertical_alignment="bottom")
    of = f"{model}_{known}"
    sent = price_in.number_input("$ a million tokens sent", 0.0, None, known.input if known else None, step=0.05,
                                 key=f"price_in_{of}", placeholder="not known",
                                 help="Kept in the project for this model.")  # fmt: skip
    written = price_out.number_input("$ a million written", 0.0, None, known.output if known else None, step=0.05,
                                     key=f"price_out_{of}", placeholder="not known")  # fmt: skip
    batch = share.number_input("Share in a batch", 0.0, 1.0, known.batch_share if known else 1.0, step=0.05,
                               key=f"price_share_{of}", help="What of the price a batch costs.")  # fmt: skip
    if sent is not None and written is not None and (price := Price(sent, written, batch)) != known and may_own():
        set_price(project.store, model, price)
        st.rerun()
    spent = spent_by(project.store, producer_of(project.store, make_teacher(asked), make_prompts(asked)))
    so_far = f"So far: {spent.calls:,} calls, $ {spent.cost:,.4f}. All runs of this teacher and prompts count."
    max_cost = dollars.number_input("Stop at $", 0.0, None, asked.get("max_cost"), step=1.0, key="max_cost",
                                    persist_state="session", placeholder="no cap", help=so_far,
                                    disabled=known is None)  # fmt: skip
    max_calls = calls.number_input("Stop at calls", 1, None, asked.get("max_calls"), key="max_calls",
                                   persist_state="session", placeholder="no cap", help=so_far)  # fmt: skip
    return {"max_cost": max_cost if known else None, "max_calls": max_calls}


def _draw_start(project: Project, asked: Arguments, calls: int) -> None:
    st.markdown("A run commits every reply before it reads it: pause it at any time, start again to go on. "
                "No reply is paid for twice.")  # fmt: skip
    with reporting():
        if st.button("Start", icon=":material/play_arrow:", type="primary", key="start_reflect",
                     disabled=bool(project.jobs.running("reflect")) or not calls or not may_own()):  # fmt: skip
            start(project, asked)


def start(project: Project, asked: Arguments) -> None:
    """Start a run; what is wrong with its teacher or prompts is said before anything is stored."""
    make_teacher(asked)
    make_prompts(asked)
    project.start("reflect", asked)
    st.session_state.pop("trial", None)
    st.rerun()
