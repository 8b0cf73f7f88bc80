"""How often the rule is right by margin and by kind, and the distance that is suggested for a wanted share."""

from dataclasses import fields
from urllib.parse import urlencode

import streamlit as st

from srt_core.project.intervals import percent
from srt_core.records import Origin
from srt_core.review.filter.filter import Filter
from srt_core.review.trust.agreement import Evidence, Group, Trust
from srt_core.review.trust.claims import Suggestion
from srt_core.ui.frame.evidence import MARGIN_HELP, RIGHT_HELP, counts, draw_margins, show_no_reads
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.words import ORIGIN_LABELS, said_of_claim

EVIDENCE = {Evidence.RANDOM: "Random reads", Evidence.CHOSEN: "Decisions people chose to make"}
CHOSEN_HELP = (
    "Single decisions on samples that people chose to look at (the doubtful ones, a filter), with the rule's pick in "
    "sight: how many the rule has the same outcome for. An edit says that the text was not right. They are no random "
    "sample, so they have no interval and nothing can be claimed on them. Bulk actions do not count."
)
MEASURES = {
    "of_all": ("Of all", "Of all samples: the rule keeps a version that is right, or rightly leaves the sample out."),
    "kept": ("Of what is kept", "Of the samples that the rule keeps: the version may be trained on."),
    "left_out": ("Of what is left out", "Of the samples that the rule leaves out: no version may be trained on."),
}
_KINDS = {
    "origin": "Version that the rule keeps",
    "length": "Length of the original response",
    "task": "Task",
    "language": "Language",
    "cluster": "Subject",
}
_FILTER_OF = {"origin": "winner"}


def render_groups(found: Trust) -> None:
    """Draw the figures by margin and by kind, by random reads or by what people chose to decide."""
    st.subheader("By distance to a limit and by kind")
    chosen = st.segmented_control(
        "What counts", list(Evidence), default=Evidence.RANDOM, key="trust_evidence", required=True,
        format_func=EVIDENCE.__getitem__, help=f"{RIGHT_HELP} {CHOSEN_HELP}",
    )  # fmt: skip
    evidence = Evidence(chosen or Evidence.RANDOM)
    if evidence is Evidence.RANDOM and found.audit is None:
        show_no_reads()
        return
    if evidence is Evidence.RANDOM and found.audit is not None:
        both = st.container(horizontal=True, gap="large")  # widths and not shares, so that a narrow window wraps
        with both.container(width=560):
            st.markdown("**Right by distance to a limit**", help=MARGIN_HELP)
            draw_margins(found.margins, found.audit)
        with both.container(width=340):
            _draw_suggestion(found)
    _draw_kinds(found, evidence)


def _draw_suggestion(found: Trust) -> None:
    wanted = st.number_input("Wanted right, %", 50.0, 99.9, 95.0, 1.0, key="trust_wanted", format="%.3g", width=200)
    st.markdown(_suggested(found, found.suggest(wanted / 100)))
    st.caption("Chosen on every other read in the order of the draw, judged on the rest, which had no part in it.")


def _suggested(found: Trust, best: Suggestion | None) -> str:
    if best is None:
        return (
            "No distance reaches it. More reads would narrow the interval; where people and the rule part far from "
            "every limit too, change the policy."
        )
    return (
        f"A distance of at least **{best.closeness:g}**: chosen because {counts(best.chosen)} reads are right there. "
        f"On the other half of the reads {counts(best.judged.reads)} are: {said_of_claim(best.judged)}. That covers "
        f"**{percent(found.covers(best) / found.samples)}** of the set."
    )


def _draw_kinds(found: Trust, evidence: Evidence) -> None:
    there = [name for name, groups in found.kinds.items() if any(_drawn(group, evidence) for group in groups)]
    if not there:
        st.markdown("Nobody has decided a sample yet.")
        return
    kind = st.selectbox("Kind", there, key="trust_kind", format_func=_KINDS.__getitem__, width=300)
    st.dataframe(
        [_kind_row(found, kind, group, evidence) for group in found.kinds[kind] if _drawn(group, evidence)],
        hide_index=True,
        column_config={
            "group": _KINDS[kind],
            "n": st.column_config.NumberColumn("Samples", format="localized"),
            **{name: label for name, (label, _) in MEASURES.items()},
            "rows": st.column_config.LinkColumn("Rows", display_text="open", help="Decided samples, in Explore."),
        },
        placeholder="–",
        alt=f"How often the rule is right by {_KINDS[kind].lower()}",
    )


def _drawn(group: Group, evidence: Evidence) -> int:
    return group.sources[evidence].of_all.drawn


def _kind_row(found: Trust, kind: str, group: Group, evidence: Evidence) -> dict[str, object]:
    reads = {name: getattr(group.sources[evidence], name) for name in MEASURES}
    said = {
        name: said_of_claim(found.claim(each)) if evidence is Evidence.RANDOM else counts(each)
        for name, each in reads.items()
    }
    return {"group": _named(kind, group.value), "n": reads["of_all"].drawn, **said, "rows": _rows(kind, group.value)}


def _named(kind: str, value: object) -> object:
    if kind != "origin":
        return value
    return "Left out" if value == "none" else ORIGIN_LABELS[Origin(str(value))]


def _rows(kind: str, value: object) -> str | None:
    """Return the address in Explore of a group's decided samples; None where no filter can say it."""
    name = _FILTER_OF.get(kind, kind)
    if value == "none" or name not in {item.name for item in fields(Filter)}:
        return None
    kept = {"reason": "kept"} if kind == "origin" else {}
    return f"Explore?{urlencode(address(state='decided', **{name: str(value)}, **kept))}"
