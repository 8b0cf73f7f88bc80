"""Runs beside each other: in words, and as one picture of differences with intervals and a mark a seed."""

from html import escape

import streamlit as st

from srt_core.project.store import Store
from srt_core.train.comparing import PARENT, Comparison, Difference, compare
from srt_core.train.runs import Run, RunState
from srt_core.ui.frame.page import reporting
from srt_core.ui.runs.figures import difference_dots
from srt_core.ui.server.runtime import Project


def draw_comparison(project: Project, found: list[Run]) -> None:
    """Let two or more runs be chosen, and say what their losses say of each other."""
    evaluated = _evaluated(project.store)
    able = {run.run_id: run for run in reversed(found) if run.state is RunState.DONE and run.run_id in evaluated}
    if not able:
        return
    st.subheader("Compare")
    chosen = st.multiselect(
        "Runs, what others are held to first", list(able), default=_latest(list(able.values())),
        format_func=lambda key: able[key].name, key="compared",
    )  # fmt: skip
    is_unequal = st.toggle("Also runs that read unlike many tokens", key="unequal")
    if not chosen:
        st.markdown("Choose the runs to compare.")
        return
    with reporting():
        _draw(compare(project.store, chosen, allow_unequal=is_unequal))


def _evaluated(store: Store) -> set[int]:
    return {row["run_id"] for row in store.rows("SELECT DISTINCT run_id FROM evaluated")}


def _latest(able: list[Run]) -> list[int]:
    """Return the runs of the latest command that trained arms, else the latest run."""
    last = able[-1]
    if last.experiment_id is None:
        return [last.run_id]
    return [run.run_id for run in able if run.experiment_id == last.experiment_id]


def _draw(comparison: Comparison) -> None:
    between = [each for each in comparison.differences if each.base != PARENT]
    shown = between or list(comparison.differences)
    for each in shown:
        st.text(each.words())
    figure = difference_dots(
        [f"{escape(each.arm)}<br>{each.side}" for each in shown],
        shown,
        f"difference of the loss from {escape(shown[0].base)}, nats a token: left is lower",
    )
    st.plotly_chart(figure, key="run_differences", alt=" ".join(each.words() for each in shown))
    with st.expander("Every interval, and what it assumes", icon=":material/straighten:"):
        st.dataframe([_row(each) for each in comparison.differences], hide_index=True,
                     alt="Differences with their intervals over pairs, over seeds and over both.")  # fmt: skip
        for note in comparison.notes:
            st.text(note)


def _row(each: Difference) -> dict[str, object]:
    intervals = {name: f"{interval.low:+.4f} to {interval.high:+.4f}" for name, interval in each.intervals()}
    seeds = zip(each.seeds, each.found.by_seed, strict=True)
    return {
        "Arm": each.arm,
        "Held to": each.base,
        "Responses": str(each.side).capitalize(),
        "Loss": f"{each.loss:.4f}",
        "Difference": f"{each.found.mean:+.4f}",
        "Over pairs": intervals.get("pairs", "–"),
        "Over seeds": intervals.get("seeds", "–"),
        "Over both": intervals.get("both", "–"),
        "By seed": ", ".join(f"{seed}: {mean:+.4f}" for seed, mean in seeds),
        "Pairs": each.found.units,
        "Pairs needed": "–" if each.needed is None else f"{each.needed:,}",
    }
