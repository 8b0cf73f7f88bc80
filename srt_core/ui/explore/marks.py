"""Marks on Explore: how many samples have each quality mark; a click filters the table to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from srt_core.importing.marks import Counted, count_marks, unlooked
from srt_core.project.candidates import count_samples
from srt_core.review.filter.facets import count_marked
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.steps.marks import MARKS
from srt_core.ui.frame.filters import filter_from_address, write_filter
from srt_core.ui.frame.page import acting, reporting
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

TABLE_HEIGHT = 248


def render_marks(project: Project, only: Filter) -> None:
    """Draw the counts of all marks, and a way to look for those that were not looked for in every sample."""
    with reporting():
        job_panel(project, MARKS.name)
        _draw_start(project)
        counts = count_marks(project.store)
        matching = {} if is_empty(only) else count_marked(project.store, only)
        _draw_table(counts, count_samples(project.store), matching, only)
        st.caption(
            "What may be wrong with the original pair: a reason to look, not a verdict. A row shows its samples."
        )


def _draw_start(project: Project) -> None:
    missing = unlooked(project.store)
    if missing and not project.jobs.running(MARKS.name):
        st.button("Look for marks", icon=":material/flag:", key="marks_start", on_click=_start, args=(project,),
                  type="primary", disabled=not may_own(),
                  help="An owner may look for the marks that were not looked for in every sample yet. A million take "
                       "some minutes; everything else goes on meanwhile.")  # fmt: skip


@acting
def _start(project: Project) -> None:
    project.start(MARKS.name, {})


def _draw_table(counts: Sequence[Counted], total: int, matching: Mapping[str, int], only: Filter) -> None:
    names = [each.mark.name for each in counts]
    most = max((each.samples or 0 for each in counts), default=0)
    key = f"marks|{hash(only)}"  # of this filter: a click is taken once
    text, number, bar = st.column_config.TextColumn, st.column_config.NumberColumn, st.column_config.ProgressColumn
    st.dataframe(
        [
            {
                "mark": each.mark.label,
                "samples": each.samples,
                "share": None if each.samples is None else 100 * each.samples / total,
                "matching": matching.get(each.mark.name, 0),
                "help": each.mark.help,
            }
            for each in counts
        ],
        key=key,
        hide_index=True,
        height=min(TABLE_HEIGHT, 38 + 35 * len(counts)),
        on_select=partial(_take_row, key, names),
        selection_mode="single-row",
        column_config={
            "mark": text("Mark", width=170),
            "samples": bar("Samples", format="localized", min_value=0, max_value=max(most, 1), width=130,
                           help="Empty: not looked for everywhere yet."),
            "share": number("Of all", format="%.2f %%", width=64),
            "matching": None if is_empty(only) else number("In this filter", format="localized", width=90),
            "help": text("What it means", width=560),
        },
        alt="How many samples have each mark, one row each",
    )  # fmt: skip


@acting
def _take_row(key: str, names: Sequence[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(names):
        write_filter(replace(filter_from_address(), mark=(names[rows[0]],)))
