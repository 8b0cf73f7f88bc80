"""The Reflect screen: choose a teacher, try it on three samples, see what a run will take, let it run."""

from typing import Any

import streamlit as st

from srt_core.records import counted
from srt_core.reflect.estimate import Estimate
from srt_core.reflect.prices import Price, price_of, set_price
from srt_core.reflect.producers import producers
from srt_core.review.status import status
from srt_core.steps.estimate import basis_of, count_calls, estimate_run, spent_so_far
from srt_core.steps.reflect import REFLECT, taken_as
from srt_core.steps.reflect_arguments import Mode
from srt_core.steps.step import Arguments
from srt_core.ui.frame.form import draw_field
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.page import reporting, show_empty, show_warnings
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.reflect.arms import draw_arms_panel
from srt_core.ui.reflect.log import draw_failures, draw_state, start
from srt_core.ui.reflect.teacher import choose_teacher, draw_prompts, is_complete
from srt_core.ui.reflect.trial import draw_trial
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

CAPS = ("max_calls", "max_cost")


def render_reflect(project: Project) -> None:
    """Draw the Reflect screen of a project."""
    counts = status(project.store)
    if not counts["samples"]:
        show_empty("There is nothing to reflect on yet. Import pairs first.", "pages/1_Import.py", "Import pairs")
        return
    draw_state(project, counts)
    job_panel(project, "reflect")
    draw_arms_panel(project)
    failures = st.container()  # above the form, which says whom to ask again
    last = last_arguments(project, "reflect")
    asked = choose_teacher(last)
    asked |= _caps_in_use(project, asked, last)
    draw_prompts(asked)
    draw_trial(project, asked)
    _draw_run(project, asked, last)
    with failures:
        draw_failures(project, asked, counts["failed_reflections"])


def _caps_in_use(project: Project, asked: Arguments, last: Arguments) -> dict[str, Any]:
    """Return the caps: those that stand in their fields, further down, else those of the latest run.

    A recording costs nothing, so it has none; one in dollars needs a price.
    """
    if not asked["model"]:
        return {}
    caps = {name: st.session_state.get(name, last.get(name)) for name in CAPS}
    return caps if price_of(project.store, asked["model"]) else {**caps, "max_cost": None}


def _draw_run(project: Project, asked: Arguments, last: Arguments) -> None:
    st.subheader("Run")
    if not is_complete(asked):
        st.markdown(_what_is_missing(project, Mode(asked["mode"])))
        st.button("Start", icon=":material/play_arrow:", type="primary", disabled=True, key="start_reflect")
        return
    if asked["arms"]:
        st.markdown("What it takes is not estimated for several teachers: draw for few samples at first. Each teacher "
                    "may have a cap of its own in the file, max_calls or max_cost.")  # fmt: skip
        _draw_start(project, asked, 1)
        return
    with reporting():
        found = estimate_run(project.store, asked)
        _draw_estimate(found)
        if said := taken_as(project.store, asked):
            st.text(said)
        caps = {} if asked["replay"] else _choose_caps(project, asked, last)
        show_warnings(REFLECT.warn(project.store, asked))
        _draw_start(project, {**asked, **caps}, found.calls)


def _what_is_missing(project: Project, mode: Mode) -> str:
    """Say what a run would ask for, before the teacher is named: of the one that wrote last, and of a new one."""
    fresh = f"**{counted(count_calls(project.store, mode), 'call')}** in this mode, if every reply can be used at once"
    known = producers(project.store)
    if not known:
        return f"About {fresh}. Name the teacher above to start."
    missing = count_calls(project.store, mode, known[-1]["producer"])
    left = f"is still to be asked for **{counted(missing, 'rewrite')}**" if missing else "has been asked for everything"
    return f"The teacher so far {left}. A new one, whose rewrites would stand beside these: about {fresh}."


def _draw_estimate(found: Estimate) -> None:
    if not found.calls:
        st.markdown("No call is missing in this mode.")
        return
    calls, sent, written, cost = st.columns(4)
    calls.metric("Calls", f"{found.calls:,}", help="If every reply can be used at once.")
    basis = f"{basis_of(found).capitalize()}."
    for place, label, tokens in ((sent, "Tokens sent", found.prompt_tokens),
                                 (written, "Tokens written", found.completion_tokens)):  # fmt: skip
        place.metric(label, f"{tokens.likely:,.0f}", help=basis)
        place.caption(f"{tokens.low:,.0f} to {tokens.high:,.0f}")
    cost.metric("Cost", "not known" if found.cost is None else f"$ {found.cost.likely:,.2f}",
                help="In US dollars. Not known where no price is given below.")  # fmt: skip
    if found.cost is not None:
        listed = f"; list price of {found.listed}" if found.listed else ""
        cost.caption(f"$ {found.cost.low:,.2f} to {found.cost.high:,.2f}{listed}".replace("$", "\\$"))


def _choose_caps(project: Project, asked: Arguments, last: Arguments) -> dict[str, Any]:
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
    spent = spent_so_far(project.store, asked)
    so_far = f"So far: {spent.calls:,} calls, $ {spent.cost:,.4f}. All runs of this teacher and prompts count."
    with dollars:
        max_cost = draw_field(REFLECT.argument("max_cost"), last.get("max_cost"), help=so_far, disabled=known is None)
    with calls:
        max_calls = draw_field(REFLECT.argument("max_calls"), last.get("max_calls"), help=so_far)
    return {"max_cost": max_cost if known else None, "max_calls": max_calls}


def _draw_start(project: Project, asked: Arguments, calls: int) -> None:
    st.markdown("A run commits every reply before it reads it: pause it at any time, start again to go on. "
                "No reply is paid for twice.")  # fmt: skip
    with reporting():
        if st.button("Start", icon=":material/play_arrow:", type="primary", key="start_reflect",
                     disabled=bool(project.jobs.running("reflect")) or not calls or not may_own()):  # fmt: skip
            start(project, asked)
