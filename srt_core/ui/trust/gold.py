"""Gold samples on Trust: which there are, how often reviewers meet them, and how far they agree with the answers."""

import streamlit as st

from srt_core.project.intervals import percent
from srt_core.review import gold
from srt_core.review.gold import EXAMPLE, Agreement, Marked
from srt_core.select.derive import remembered
from srt_core.ui.frame.page import acting_as_owner, curator
from srt_core.ui.server.identity import is_owner
from srt_core.ui.server.runtime import Project

_ABOUT = (
    "Samples with a known answer, which reviewers meet unmarked among the others of a queue. What they do with one "
    "there decides nothing and changes no export: the sample stands decided as its answer says. They are chosen and "
    "not drawn, so they say how far a reviewer agrees with the answers, and nothing of how often the rule is right."
)
_SHARE_HELP = (
    "Kept the very version, or left out what is to be left out. Exact 95 % interval of what so few answers can show. "
    "An edit or a parked sample is no answer."
)
_OFTEN_HELP = "On average; by a hash over reviewer and sample, so that nobody can foresee them."
_FILE_HELP = f"JSON Lines: {EXAMPLE}, with null for what is to be left out."


def render_gold(project: Project) -> None:
    """Draw the section."""
    store = project.store
    st.subheader("Gold samples", help=_ABOUT)
    st.markdown(gold.described(store) + " What a reviewer does with one decides nothing; it stands as its answer says.")
    if found := remembered(gold.agreements, store):
        st.dataframe(
            [
                {"by": each.by, "share": _share(each), "n": each.share.n, "edited": each.edited, "parked": each.parked}
                for each in found
            ],
            hide_index=True,
            column_config={
                "by": "Reviewer",
                "share": st.column_config.TextColumn("As the answer says", help=_SHARE_HELP),
                "n": st.column_config.NumberColumn("Answers", format="localized"),
                "edited": "Edited",
                "parked": "Parked",
            },
            alt="How often each reviewer did with gold samples what their answers say",
        )
    if is_owner():
        _draw_form(project)
    if notice := st.session_state.pop("gold_said", ""):
        st.text(notice)


def _share(found: Agreement) -> str:
    ends, share = found.share.exact(), found.share.estimate
    return f"{percent(share)} ({percent(ends.low)} to {percent(ends.high)})" if ends and share is not None else "–"


def _draw_form(project: Project) -> None:
    """Draw where an owner says which samples are gold and how often they are shown."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        held = gold.percent(project.store)
        st.number_input("Gold of 100 shown", 0.0, gold.MOST_PERCENT, held, 1.0, key="gold_percent", width=150,
                        on_change=_turn_percent, args=(project,), help=_OFTEN_HELP)  # fmt: skip
        st.text_input("Tag", key="gold_tag", width=150, help="Of samples whose decisions are right.")
        st.button("Take its decisions as gold", on_click=_take_tag, args=(project,))
    st.file_uploader("Answers from a file", type=["jsonl"], key="gold_file", help=_FILE_HELP)
    if st.session_state.get("gold_file"):
        st.button("Take the answers of the file as gold", on_click=_take_file, args=(project,))


@acting_as_owner
def _turn_percent(project: Project) -> None:
    gold.set_percent(project.store, st.session_state["gold_percent"], curator())


@acting_as_owner
def _take_tag(project: Project) -> None:
    answers = gold.answers_of_tag(project.store, st.session_state["gold_tag"].strip())
    _tell(gold.mark(project.store, answers, curator()))


@acting_as_owner
def _take_file(project: Project) -> None:
    lines = st.session_state["gold_file"].getvalue().decode("utf-8", "replace").splitlines()
    _tell(gold.mark(project.store, gold.read_answers(project.store, lines), curator()))


def _tell(marked: Marked) -> None:
    st.session_state["gold_said"] = "\n".join([marked.described(), *(why for _, why in marked.refused[:20])])
