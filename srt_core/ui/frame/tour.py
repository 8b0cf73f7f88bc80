"""The tour: six steps from import to export, each a line at the top of its page while the address asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from srt_core.steps.demo import REFUSED_SAMPLE, REPLIES, SCORES
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.navigation import PAGES, address

_NAME = "tour"
"""The query parameter and the session's note that somebody takes the tour."""


@dataclass(frozen=True, slots=True)
class TourStep:
    """What to see on a page (a key of PAGES), a file to name there, and what of the page to open."""

    page: str
    text: str
    file: Path | None = None
    query: Mapping[str, str] = field(default_factory=dict)


TOUR = (
    TourStep(
        "pages/1_Import.py",
        "A file of instructions and responses becomes samples, one a row. The demo's files are listed below; many of "
        "their pairs have a flaw: a wrong fact, a missing half, another question's answer.",
    ),
    TourStep(
        "pages/2_Reflect.py",
        "The teacher criticises each pair and rewrites it: the response, the instruction, or both. The demo's replies "
        "are recorded. A few samples still wait for theirs: choose **A replay file**, name this one, and start.",
        REPLIES,
    ),
    TourStep(
        "pages/3_Score.py",
        "The student that you will train scores every version. IFD says how hard the response stays once the "
        "instruction is known, r-IFD how hard the instruction is to tell from the response. The demo's scores are "
        "recorded too: for rewrites that you just made, choose **A recording**, name this one, and start.",
        SCORES,
    ),
    TourStep(
        "pages/5_Thresholds.py",
        "The rule keeps a rewritten instruction whose IFD rises and a rewritten response whose r-IFD falls. Move a "
        "limit and read which samples would change; no model is asked again.",
    ),
    TourStep(
        "pages/6_Review.py",
        "You have the last word. Here the rule leaves out a fluent rewrite: it explains how any fraction becomes a "
        "decimal, and never says what 7/8 is. The student notices: the instruction is harder to tell from it than "
        "from the original, so r-IFD rises.",
        query={"queue": "all", "sample": REFUSED_SAMPLE},
    ),
    TourStep(
        "pages/8_Export.py",
        "What the rule and the reviewers keep becomes a file for training, and is read back as it was written. A "
        "manifest beside it says how it came about.",
    ),
)
"""The steps, in their order; each page has at most one."""


def offer_tour() -> None:
    """Offer to begin."""
    if st.button(f"Take the tour ({len(TOUR)} steps)", icon=":material/tour:", key="tour_begin"):
        st.switch_page(TOUR[0].page, query_params=_there(TOUR[0]))


def remember_tour() -> None:
    """Note whether somebody takes the tour, so that links keep it. Every page does so before it draws a link.

    It goes on until it is ended, also where a page is asked for by an older address.
    """
    if st.query_params.get(_NAME):
        st.session_state[_NAME] = "on"
    elif st.session_state.setdefault(_NAME, ""):
        put_in_address(_NAME, "on")


def _end() -> None:
    st.session_state[_NAME] = ""
    put_in_address(_NAME, "")


def draw_tour(page: str) -> None:
    """Draw the step of a page, where somebody takes the tour and the page has one."""
    number = next((number for number, step in enumerate(TOUR, 1) if step.page == page), 0)
    if not number or not st.session_state[_NAME]:
        return
    step = TOUR[number - 1]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/tour: **{number} of {len(TOUR)}.** {step.text}", width="stretch")
        if number < len(TOUR):
            following = TOUR[number]
            # A link goes there by itself: no run that a part of the page asks for meanwhile takes that from it.
            st.page_link(following.page, label=f"**Next: {PAGES[following.page][0]}**", icon=":material/arrow_forward:",
                         query_params=_there(following))  # fmt: skip
        st.button("End the tour", type="tertiary", key="tour_end", on_click=_end)
    if step.file:
        st.code(str(step.file), language=None)


def _there(step: TourStep) -> dict[str, str]:
    return address(**{_NAME: "on"}, **step.query)
