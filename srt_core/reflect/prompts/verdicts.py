"""The result of parsing a reply: accepted, or refused with a reason, and the correction that the teacher then gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from srt_core.records import Pair
from srt_core.reflect.prompts.cleaning import CleaningRule


class RefusalReason(StrEnum):
    """Why a reply is refused; the list is closed."""

    CUT_OFF = "cut_off"
    """The reply is incomplete: cut off at the token limit (finish reason `length`) or by the endpoint."""
    THOUGHT_ONLY = "thought_only"
    """The token limit was reached before a word of the reply: the teacher spent it on thinking."""
    CONTENT_FILTER = "content_filter"
    """The endpoint withheld the reply."""
    EMPTY_REPLY = "empty_reply"
    """Nothing is left once the reasoning is removed."""
    DECLINED = "declined"
    """The teacher declined the task, in place of the sections or in place of a rewrite."""
    MISSING_SECTION = "missing_section"
    """A section asked for is not there, is not closed, or is not text."""
    BROKEN_JSON = "broken_json"
    """The reply begins as a JSON object and is no valid one, or not whole."""
    OTHER_KEYS = "other_keys"
    """The reply is a JSON object under keys that were not asked for."""
    SCHEMA_ECHO = "schema_echo"
    """The reply is written like the schema, so that its texts cannot be told from what the schema says of them."""
    EMPTY_SECTION = "empty_section"
    """A section has no text, or says `N/A`."""
    PLACEHOLDER_ECHO = "placeholder_echo"
    """A section repeats a placeholder of the prompt in place of text."""
    META_REMARK = "meta_remark"
    """A rewrite is a remark about itself, such as `Same as above.`, begins with one, or speaks of what it replaces."""
    REPETITION = "repetition"
    """A rewrite says one sentence over and over."""
    STRAY_MARKERS = "stray_markers"
    """A section holds tags of a section, its own label, an end marker or reasoning, which are no part of its text."""
    UNCHANGED = "unchanged"
    """The rewrite equals what it was to rewrite, up to white space, case and a full stop."""
    REPEATS_INSTRUCTION = "repeats_instruction"
    """The new response only repeats its instruction."""
    AMBIGUOUS_SECTIONS = "ambiguous_sections"
    """The sections can be read in more than one way, or stand in an order that was not asked for."""


CORRECTIONS: Final[Mapping[RefusalReason, str]] = {
    RefusalReason.CUT_OFF: "It was cut off before its end. Be briefer, so that the whole reply fits.",
    RefusalReason.THOUGHT_ONLY: "It held thoughts alone. Keep the thinking short, then write the whole reply.",
    RefusalReason.CONTENT_FILTER: "It was withheld by a content filter. Keep to matter-of-fact and harmless wording.",
    RefusalReason.EMPTY_REPLY: "It held no text outside its reasoning. Write the reply itself.",
    RefusalReason.DECLINED: (
        "It declined the task. The material is only to be judged and improved: where it cannot be answered as it "
        "stands, write the most helpful thing that can be said in its place."
    ),
    RefusalReason.MISSING_SECTION: "A part that was asked for was missing, not closed or unreadable. Give every part.",
    RefusalReason.BROKEN_JSON: (
        "Its JSON was not whole and valid. Write one object, and escape quotation marks and line breaks in its texts."
    ),
    RefusalReason.OTHER_KEYS: "Its JSON had other keys. Take exactly those that were asked for, as they are written.",
    RefusalReason.SCHEMA_ECHO: "Its parts were written like the schema. Give each part as its text alone.",
    RefusalReason.EMPTY_SECTION: "A part was empty. Every part needs a text of its own.",
    RefusalReason.PLACEHOLDER_ECHO: "A placeholder stood where a text belongs. Put your own text in its place.",
    RefusalReason.META_REMARK: "A remark stood where a rewrite belongs. Write out the rewrite itself and nothing else.",
    RefusalReason.REPETITION: "A rewrite said one sentence over and over. Say each thing once, and end there.",
    RefusalReason.STRAY_MARKERS: "A text had marks of the form of the reply left in it. Keep them out of the texts.",
    RefusalReason.UNCHANGED: "The rewrite was the same as the original. The rewrite must differ and be better.",
    RefusalReason.REPEATS_INSTRUCTION: "The new response only repeated the instruction. It must answer it.",
    RefusalReason.AMBIGUOUS_SECTIONS: (
        "It could be read in more than one way. Give every part exactly once and in the order asked for."
    ),
}
"""The message to the teacher about a reply that was refused, by reason."""


def correction_for(reason: str, detail: str) -> str:
    """Return the message to the teacher about a refused reply: the reason's sentence, then the detail of this reply.

    "" where `reason` is no RefusalReason: a call without a reply leaves nothing to correct.
    """
    if reason not in list(RefusalReason):
        return ""
    if reason == RefusalReason.THOUGHT_ONLY:  # its detail is for the curator alone
        detail = ""
    return f"{CORRECTIONS[RefusalReason(reason)]} {detail.strip()}".strip()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that is refused whole. `detail` is a sentence for the curator."""

    reason: RefusalReason
    detail: str


@dataclass(frozen=True, slots=True)
class ParsedReflection:
    """A reply that is accepted: the critique by criterion, in order, and the new pair."""

    critique: dict[str, str]
    pair: Pair
    rules: tuple[CleaningRule, ...] = ()
    """What was done to the texts before they were accepted."""


def missing(key: str, what: str = "is missing") -> Refusal:
    """Refuse a reply for a section that is missing, not closed or not text."""
    return Refusal(RefusalReason.MISSING_SECTION, f"The section {key} {what}.")


def ambiguous(detail: str) -> Refusal:
    """Refuse a reply that can be read in several ways."""
    return Refusal(RefusalReason.AMBIGUOUS_SECTIONS, detail)


def stray(key: str, what: str) -> Refusal:
    """Refuse a reply with marks of its form in a section's text."""
    return Refusal(RefusalReason.STRAY_MARKERS, f"The section {key} {what}.")
