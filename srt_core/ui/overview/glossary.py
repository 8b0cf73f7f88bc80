"""The glossary: each term of the screens in a sentence, with one example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from srt_core.methods import MEASURES
from srt_core.records import Origin
from srt_core.ui.frame.words import ORIGIN_HELP, ORIGIN_LABELS, REASON_LABELS


@dataclass(frozen=True, slots=True)
class Term:
    """A term, what it means, and an example."""

    name: str
    meaning: str
    example: str


_VERSION_EXAMPLES: Mapping[Origin, str] = {
    Origin.ORIGINAL: "Instruction: Name a fruit. Response: Apple.",
    Origin.RESPONSE: "The same instruction with the response: Apple, which grows on trees in cool climates.",
    Origin.INSTRUCTION: "Name a fruit that grows in deserts, and say why it can. Response: The prickly pear, …",
    Origin.BOTH: "That new instruction, with a better response to it.",
}
TERMS: Mapping[str, Sequence[Term]] = {
    "Samples and versions": (
        Term("Sample", "One pair of your data with all versions of it.", "Sample 12: its original and three rewrites."),
        Term("Version", "One of up to four pairs of a sample; at most one is exported.", "Version 2: Response."),
        *(Term(ORIGIN_LABELS[origin], ORIGIN_HELP[origin], example) for origin, example in _VERSION_EXAMPLES.items()),
        Term("Context", "What was said before the pair: a system text and earlier turns.", "Earlier turns of a chat."),
        Term("Mark", "Something that may be wrong with an original, found by looking at its text.", "Near-duplicate."),
    ),
    "Teacher and student": (
        Term("Teacher", "The model that reflects on a pair and rewrites it.", "A large model behind an API."),
        Term("Reflection", "The teacher's critique of a pair together with its rewrite.", "Too short; new response: …"),
        Term("Student", "The model that will be trained. It scores every version.", "The model you fine-tune."),
        Term("Scoring", "One student with one template and one max length, and the scores it gave.", "Scoring 3."),
        Term("Loss", "How surprised the student is by each token of a text, on average.", "0: not at all. 3: very."),
        Term("Template", "How instruction and response are put into one text for the student.", "alpaca, vicuna"),
    ),
    "Numbers": tuple(
        Term(measure.label, measure.help, measure.example or "–") for measure in MEASURES.values()
    ),
    "Rule and people": (
        Term("Rule", "What selects a version of each sample, or none, by limits on the numbers.", "IFD has to rise."),
        Term("Limit", "A number of the rule that you can move on Thresholds.", "Leave out where r-IFD is above 1."),
        Term("Policy", "A method with all of its limits, under a name.", "selective-paper"),
        Term("Keep", "The sample will be exported, in one of its versions.", "Keep Response."),
        Term("Leave out", "The sample will not be exported.", f"{REASON_LABELS['ifd_ceiling']}."),
        Term("Decision", "What a reviewer did with a sample. Goes before the rule; can be undone.", "Keep Both."),
        Term("Park", "Put a sample aside for later. Parked samples are not exported.", "Ask a chemist first."),
        Term("Distance to a limit", "The smallest change of a limit at which the rule says otherwise.", "0.02: close."),
        Term("Queue", "Samples in an order in which Review shows them.", "Closest to a limit."),
        Term("Reviewer", "A person who decides about samples.", "zoe"),
        Term("Owner, curator", "Owners may also run steps, apply policies and export.", "zoe is an owner."),
        Term("Random audit", "Samples drawn at random and read blind, so that a share may be claimed.", "120 reads."),
        Term("Random read", "One sample of an audit, read without seeing what the rule keeps of it.", "Marked: Both."),
    ),
}  # fmt: skip


def render_glossary() -> None:
    """Draw the glossary."""
    st.markdown(f"{sum(map(len, TERMS.values()))} terms of these screens, each with an example.")
    for group, terms in TERMS.items():
        st.subheader(group)
        st.table([{"Term": each.name, "Meaning": each.meaning, "Example": each.example} for each in terms])
