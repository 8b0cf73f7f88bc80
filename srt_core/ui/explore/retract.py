"""Retract on Explore: the samples of the filter, or the open one, with what still holds or has read them afterwards."""

from contextlib import suppress

import streamlit as st

from srt_core.errors import SRTError
from srt_core.project.candidates import find_sample
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.review.filter.filter import Filter, is_empty, membership
from srt_core.review.retracting import Retraction, count_of, retract, retractions, take_back
from srt_core.train.withdrawn import affected
from srt_core.ui.frame.page import acting_as_owner, curator
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

_WHICH, _REASON, _DONE = "retract_which", "retract_reason", "retracted"
_OPEN, _FILTER = "The open sample", "All samples of the filter"
_HELP = (
    "Retract what must not be used any more, such as a text whose author withdrew it. No later export holds it, nobody "
    "decides on it, and a file that brings it again brings it retracted. What was exported before still holds it."
)


def render_retract(project: Project, only: Filter) -> None:
    """Offer to retract, say what a retraction came to, and list those that stand with the way back."""
    store = project.store
    st.caption(_HELP)
    choices = _choices(store, only)
    if choices:
        _draw_form(project, choices)
    else:
        st.markdown("Open a sample, or set a filter, to retract.")
    if said := st.session_state.get(_DONE):
        for line in said:
            st.text(told(line))
    _draw_standing(project, retractions(store))


def _choices(store: Store, only: Filter) -> dict[str, tuple[str, dict[str, object], int]]:
    """Return what may be retracted, by its label: the condition, its values, and how many samples."""
    found = {}
    if name := st.query_params.get("sample", ""):
        with suppress(SRTError):  # the rows say that it is not there
            where: tuple[str, dict[str, object]] = ("sample_id = $name", {"name": find_sample(store, name)})
            found[f"{_OPEN} ({name})"] = (*where, count_of(store, *where))
    if not is_empty(only):
        where = membership(store, only)
        number = count_of(store, *where)
        found[f"{_FILTER} ({number:,})"] = (*where, number)
    return {label: each for label, each in found.items() if each[2]}


def _draw_form(project: Project, choices: dict[str, tuple[str, dict[str, object], int]]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.radio("Which", list(choices), key=_WHICH, width="content")
        st.text_input("Reason", key=_REASON, placeholder="Its author asked for it", width=360)
        where, values, number = choices[label]
        st.button(f"Retract {counted(number, 'sample')}", icon=":material/block:", key="retract",
                  on_click=_retract, args=(project, where, values), disabled=not may_own(),
                  help="Only an owner may. The reason stands in the history.")  # fmt: skip


def _draw_standing(project: Project, standing: list[Retraction]) -> None:
    for each in standing:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(f"{local_time(each.made_at)} · {counted(each.samples, 'sample')} · {each.author}: {each.reason}",
                    width="content")  # fmt: skip
            st.button("Take back", icon=":material/undo:", key=f"retracted_{each.action_id}", type="tertiary",
                      on_click=_take_back, args=(project, each.action_id), disabled=not may_own())  # fmt: skip


@acting_as_owner
def _retract(project: Project, where: str, values: dict[str, object]) -> None:
    store = project.store
    done = retract(store, where, values, st.session_state[_REASON], curator())
    said = [f"{counted(done.samples, 'sample')} retracted.", *done.lines(), *affected(store, done.action_id).lines()]
    st.session_state[_DONE] = said
    st.session_state[_REASON] = ""


@acting_as_owner
def _take_back(project: Project, action_id: int) -> None:
    back = take_back(project.store, action_id, curator())
    st.session_state[_DONE] = [f"Taken back: {counted(back, 'sample')} as decided before."]
