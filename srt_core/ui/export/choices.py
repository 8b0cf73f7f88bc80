"""What is exported: which samples, in which formats, how much for validation, and what the card says of it."""

from dataclasses import dataclass

import streamlit as st

from srt_core.export.contents import Contents, Scope
from srt_core.export.formats import FORMATS
from srt_core.export.lines import Conversations, has_conversations
from srt_core.export.prompts import describe_prompts
from srt_core.export.splits import SUGGESTED
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.score.scorings import scoring_in_use
from srt_core.ui.frame.filters import describe_filter, filter_from_address, write_filter
from srt_core.ui.frame.page import reporting
from srt_core.ui.frame.words import markdown

SCOPE_LABELS = {
    Scope.VERDICTS: "Reviewers, else the rule",
    Scope.WITH_PARKED: "The same, with what is parked",
    Scope.APPROVED: "Kept by reviewers only",
}
LINE_LABELS = {
    Conversations.APART: "One sample, in its context",
    Conversations.JOINED: "One conversation",
}
LICENCES = ("cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc0-1.0", "apache-2.0", "mit", "odc-by", "other")
"""As the hub names them; any other can be typed."""
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody chose to export."""

    contents: Contents
    formats: tuple[str, ...]
    licence: str
    max_length: int | None

    @property
    def holds_texts(self) -> bool:
        """Whether any of the formats holds what stands of samples."""
        return any(FORMATS[name].source.holds_texts for name in self.formats)


def choose(store: Store) -> Choices:
    """Draw the choices, and return them."""
    with reporting(stop=True):
        only = filter_from_address()
    if not is_empty(only):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("Only the samples of the filter from Explore:", width="content")
            st.text(describe_filter(only), width="stretch")
            st.button("Take all samples", icon=":material/filter_alt_off:", on_click=write_filter, args=(Filter(),))
    left, right = st.columns([3, 2])
    with left:
        formats = st.multiselect("Formats", list(FORMATS), _usual(store), key="formats", bind="query-params",
                                 format_func=lambda name: FORMATS[name].label, placeholder="Choose formats",
                                 help=_help())  # fmt: skip
    with right:
        scope = st.selectbox("Which samples", list(Scope), key="scope", bind="query-params",
                             format_func=SCOPE_LABELS.__getitem__,
                             help="What a reviewer decided stands before the rule. A parked sample is open: it is "
                             "left out unless asked for, and then the rule says which version.")  # fmt: skip
    aside, length, licence, force = st.columns(4, vertical_alignment="bottom")
    with aside:
        share = st.number_input("For validation, %", 0.0, 50.0, SUGGESTED * _PERCENT, 1.0, key="validation",
                                format="%.3g", help="Put aside by groups: samples of one conversation, and equal or "
                                "known near-equal ones, stay together.")  # fmt: skip
    with length:
        most = st.number_input("Max length, tokens", 16, None, _max_length(store), 128, key="length",
                               help="Of the training. Longer pairs are counted, and written too.")  # fmt: skip
    with licence:
        named = st.selectbox("Licence", LICENCES, None, key="licence", placeholder="Not named", accept_new_options=True,
                             help="For the dataset card, as the hub names it.")  # fmt: skip
    with force:
        st.checkbox("Replace any file", key="force", help="Also files in the folder that srt did not write.")
    conversations = _choose_line(store, tuple(formats))
    for said in dict.fromkeys(filter(None, (describe_prompts(store, name) for name in formats))):
        st.caption(markdown(said))
    contents = Contents(Scope(scope or Scope.VERDICTS), only, conversations, share / _PERCENT)
    return Choices(contents, tuple(formats), named or "", most)


def _usual(store: Store) -> list[str]:
    """Return the formats that are chosen at first: the text that was scored, where that needs no tokenizer."""
    scoring = scoring_in_use(store)
    if scoring is None:
        return ["alpaca"]
    return ["messages"] if scoring.template == "chat" else ["prompt_completion"]


def _max_length(store: Store) -> int | None:
    scoring = scoring_in_use(store)
    return scoring.max_length if scoring else None


def _help() -> str:
    return "\n".join(f"- **{format.label}**: {format.help}" for format in FORMATS.values())


def _choose_line(store: Store, formats: tuple[str, ...]) -> Conversations:
    """Offer to join conversations, where the project has some and every format can say what is trained on."""
    if not formats or not all(FORMATS[name].joins for name in formats) or not has_conversations(store):
        return Conversations.APART
    chosen = st.radio(
        "A line is",
        list(Conversations),
        format_func=LINE_LABELS.__getitem__,
        key="conversations",
        captions=[
            "Only the last answer is trained on.",
            "Every answer that is kept is trained on. Left out: conversations in which a kept rewrite stands before "
            "another kept exchange.",
        ],
        bind="query-params",
    )
    return Conversations(chosen or Conversations.APART)
