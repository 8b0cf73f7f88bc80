"""Several teachers on Reflect: how likely each is drawn now, and how that came."""

import streamlit as st

from srt_core.records import counted
from srt_core.reflect.arms import arm_states, drawn_samples, keep_up, p_over_steps
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.navigation import PAGES
from srt_core.ui.reflect.figures import p_lines
from srt_core.ui.server.runtime import Project

REVIEW, THRESHOLDS = "pages/6_Review.py", "pages/5_Thresholds.py"
MOST_STEPS = 1_000
"""Steps that the chart draws, the last ones."""


def draw_arms_panel(project: Project) -> None:
    """Draw the teachers that are drawn from, where there are any: p over steps, and what it rests on."""
    store = project.store
    found = keep_up(store)
    arms = arm_states(store)
    if not arms:
        return
    steps = p_over_steps(store)
    chosen = sum(each["source"] in ("reading", "decision") for each in steps)
    st.subheader("Teachers to draw from", help="Some are drawn for each sample; who wrote a version is not said on "
                 "Review. What people choose moves how likely each is drawn next (Star-Agents).")  # fmt: skip
    said = f"{counted(drawn_samples(store), 'sample| has|')} teachers drawn; {counted(chosen, 'reward')} so far."
    if found.waiting:
        said += f" {counted(found.waiting, 'choice| waits|')} for scores of both students."
    st.markdown(said if chosen else f"{said} Choose between versions on Review, and each choice is a step here.")
    table, chart = st.columns((2, 3))
    table.dataframe(
        [{"Teacher": each.name, "p": each.p, "Drawn": each.drawn, "Wrote": each.written, "Chosen": each.chosen,
          "Reward": each.reward} for each in sorted(arms, key=lambda each: -each.p)],
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in ("p", "Reward")},
        alt="The teachers, with their probability, samples and rewards.",
    )  # fmt: skip
    shown = [step["p_after"] for step in steps[-MOST_STEPS:]]
    lines = {each.name: [p[place] if place < len(p) else None for p in shown] for place, each in enumerate(arms)}
    first = max(0, len(steps) - MOST_STEPS)
    alt = "; ".join(f"{each.name} {each.p:.3f}" for each in arms)
    with chart:
        st.plotly_chart(p_lines(lines, first), key="arms", config=DOWNLOAD, alt=f"p over steps, now: {alt}")
    with st.container(horizontal=True):
        st.page_link(REVIEW, label="Choose between versions", icon=PAGES[REVIEW][1])
        st.page_link(THRESHOLDS, label="Take the best by reward", icon=PAGES[THRESHOLDS][1])
