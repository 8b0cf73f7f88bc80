"""The Methods screen: what each method is, needs and takes here, a button that puts it in use, and what each selects.

It reads the records of the methods; nothing here knows one by its name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from srt_core.methods import METHODS, Method
from srt_core.project.candidates import count_samples
from srt_core.project.store import Store
from srt_core.records import Policy, counted
from srt_core.select.policy import applied_policy
from srt_core.select.selection import apply
from srt_core.steps.costs import CALL, Cost, cost_of, scoring_arguments, steps_of
from srt_core.steps.steps import STEPS
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.navigation import JOB_PAGES, PAGES, address
from srt_core.ui.frame.page import acting_as_owner, curator, reporting, show_empty
from srt_core.ui.frame.words import duration, markdown
from srt_core.ui.methods.selected import render_selected
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

THRESHOLDS = "pages/5_Thresholds.py"
_ARXIV = "arXiv "
DASH = "–"
COST_HELP = ("What each step would still take here: calls, tokens and money by the estimate of Reflect for the "
             "teacher that was asked last; time at the pace of the last job of the same kind. A dash where nothing can "
             "be said yet.")  # fmt: skip
EACH, SELECTED = "What each is", "What each selects here"


def render_methods(project: Project) -> None:
    """Draw the whole screen."""
    samples = count_samples(project.store)
    if not samples:
        show_empty("There is nothing to choose a method for yet. Import some samples first.", "pages/1_Import.py",
                   "Import")  # fmt: skip
        return
    applied = applied_policy(project.store)
    st.markdown(_opening(project.store, applied, samples))
    view = st.segmented_control("Show", [EACH, SELECTED], default=EACH, key="methods_view", required=True,
                                label_visibility="collapsed", persist_state="session")  # fmt: skip
    with reporting():
        if view == SELECTED:
            render_selected(project.store)
        else:
            _draw_each(project, applied)


def _opening(store: Store, applied: Policy, samples: int) -> str:
    """Say what is in use, in numbers."""
    kept = int(store.value("SELECT count(origin) FROM selection"))
    return (
        f"Of {counted(len(METHODS), 'method')}, **{METHODS[applied.method].label}** is in use, under the policy "
        f"{markdown(applied.name)}: it keeps {kept:,} of {counted(samples, 'sample')}. Another one changes no decision "
        "of a reviewer."
    )


def _draw_each(project: Project, applied: Policy) -> None:
    """Draw a card a method, two side by side; what each takes comes last, for it may have to be counted."""
    places = {}
    names = list(METHODS)
    for first in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="small"), names[first : first + 2], strict=False):
            with column, st.container(border=True, height="stretch"):
                places[name] = _draw_card(project, METHODS[name], applied)
    known: dict[str, Cost | None] = {}
    for name, place in places.items():
        with place.container(), reporting():
            _draw_costs(project, METHODS[name], known)


def _draw_card(project: Project, method: Method, applied: Policy) -> Any:
    """Draw what a method is, and the button that puts it in use; returns the place for what it takes."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{method.label}** · {_paper(method.paper)}", width="stretch")
        if method.name == applied.method:
            st.badge("in use", icon=":material/check:", color="green")
    st.markdown(method.summary)
    st.markdown(f"Needs {'; '.join(_needs(method))}.")
    place = st.empty()
    if method.policies:
        _draw_use(project, method, applied)
    return place


def _paper(paper: str) -> str:
    number = paper.removeprefix(_ARXIV)
    return f"[{paper}](https://arxiv.org/abs/{number})" if number != paper else paper


def _needs(method: Method) -> Iterator[str]:
    """Say what has to be there: teacher, student, and what the record names besides."""
    if method.teacher:
        yield f"a teacher for {' and '.join(method.teacher)}"
    if method.needs_student:
        asked = method.student or "the student that you will train"
        yield f"{asked}, template {method.template}" if method.student and method.template else asked
    yield from method.needs
    if not (method.teacher or method.needs_student or method.needs):
        yield "nothing"


def _draw_costs(project: Project, method: Method, known: dict[str, Cost | None]) -> None:
    """Draw a line a step: what it would still take; a dash where nothing can be said."""
    rows = []
    for name in steps_of(method):
        key = f"{name} {sorted(scoring_arguments(project.store, method).items()) if name == 'score' else ''}"
        if key not in known:
            last = last_arguments(project, name) if name in STEPS else {}
            known[key] = cost_of(project.store, name, method, last)
        rows.append(_said(name, known[key]))
    st.markdown("  \n".join(rows), help=COST_HELP)


def _said(name: str, cost: Cost | None) -> str:
    """Write what a step would still take in one line."""
    step = f"**{STEPS[name].label}**" if name in STEPS else f"`srt {name}`"
    if cost is None:
        return f"{step}: {DASH}"
    if not cost.units:
        return f"{step}: nothing left to do"
    tokens = f"about {cost.tokens.likely:,.0f} tokens" if cost.tokens else f"tokens {DASH}"
    dollars = f"about {cost.dollars.likely:,.2f} US dollars" if cost.dollars else f"US dollars {DASH}"
    time = f"about {duration(cost.seconds)}" if cost.seconds else f"time {DASH}"
    asked = [tokens, dollars] if cost.unit == CALL else []
    return f"{step}: {' · '.join([counted(cost.units, cost.unit), *asked, time])}"


def _draw_use(project: Project, method: Method, applied: Policy) -> None:
    """Offer to put a policy of the method in use; where it is, lead to the steps that it asks for."""
    policies = {policy.name: policy for policy in method.policies}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = next(iter(policies))
        if len(policies) > 1:
            name = st.selectbox("Policy", list(policies), key=f"policy_{method.name}", width=220) or name
        is_in_use = policies[name] == applied
        st.button(f"Use {name}", key=f"use_{method.name}", icon=":material/check:", on_click=_use,
                  args=(project, method, policies[name], applied), disabled=is_in_use or not may_own(),
                  help="Puts the policy in use, which Thresholds can undo, and its student and template into the form "
                  "of Score. Decisions stay.")  # fmt: skip
        if method.name == applied.method:
            pages = dict.fromkeys(JOB_PAGES[step] for step in steps_of(method) if step in JOB_PAGES)
            for page in (*pages, THRESHOLDS):
                st.page_link(page, label=PAGES[page][0], icon=PAGES[page][1], query_params=address())


@acting_as_owner
def _use(project: Project, method: Method, policy: Policy, upon: Policy) -> None:
    apply(project.store, policy, curator(), upon=upon)
    fields: Mapping[str, Any] = scoring_arguments(project.store, method)
    st.session_state.update({name: value for name, value in fields.items() if value})
