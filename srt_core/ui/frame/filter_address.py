"""The filter in the address of the page on screen, and a filter said in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from srt_core.importing.marks import BY_NAME as MARKS
from srt_core.review.filter.address import CHOICES, LENGTHS, NAMES, TEXTS, filter_to_address, read_filter
from srt_core.review.filter.facets import LISTED
from srt_core.review.filter.filter import Filter, Range
from srt_core.review.filter.own import OwnCondition
from srt_core.review.filter.own_address import describe_own
from srt_core.review.verdicts import RANGES
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.words import MEASURE_LABELS, ORIGIN_LABELS, REASON_LABELS


@dataclass(frozen=True, slots=True)
class Words:
    """What a condition is called, and one plain sentence of it."""

    title: str
    help: str


WORDS: Mapping[str, Words] = {
    "task": Words("Task", "What the original asks for, read from its words by a table of patterns: right for some nine "
                  "of ten samples in English."),
    "winner": Words("Winner", "The version that the rule's comparisons prefer, whether it is kept or not."),
    "reason": Words("Rule says", "Why the rule keeps the sample or leaves it out."),
    "state": Words("Decision", "What people decided. Overridden: otherwise than the rule, or edited."),
    "problem": Words("Problem", "What may need a look before training."),
    "score": Words("Scoring", "What became of scoring any of the sample's versions under the student in use."),
    "mark": Words("Marks", "Any of these quality marks: what may be wrong with the original pair. Explore counts them "
                  "under Marks."),
    "language": Words("Language", "Of the original, as its ISO 639 code. Unknown: too short or too few words to tell."),
    "cluster": Words("Subject", "Groups of samples with similar words, named by the words that set them apart."),
    "producer": Words("Rewritten by", "The teacher, or the file, that a rewrite of the sample came from."),
    "author": Words("Decided by", "Who made the decision that stands."),
    "failure": Words("Reflection failed", "Why a teacher's reply could not be used, where its rewrite is missing."),
    "tag": Words("Tag", "Any of these tags, which reviewers put on samples in Review."),
    "note": Words("Note", "The note that a reviewer wrote on the sample contains this, in capitals or not."),
    "similar": Words("Similar to", "A sample's number or id: those most like it, by the vectors computed on Score."),
    "because": Words("Left out because", "The reason that a reviewer gave for leaving the sample out."),
    "imported": Words("Imported file", "The file that the sample came with."),
    "characters": Words("Original", "Characters of the original's response."),
    "winner_characters": Words("Winner", "Characters of the winner's response."),
    "decided": Words("Decided on", "The day of the decision that stands, in UTC."),
}  # fmt: skip
_TYPED = {"text": "text contains '{}'", "note": "note contains '{}'", "similar": "similar to #{}"}
WINNER = "winner"
"""Whose score a range holds, beside the four origins."""
_OWN = "own: "
"""What a condition on a column of the curator's own is called by, before the column's name."""

_LABELS: Mapping[str, str] = dict(
    [*ORIGIN_LABELS.items(), *REASON_LABELS.items(), *((name, mark.label) for name, mark in MARKS.items())]
)


def filter_from_address() -> Filter:
    """Read the filter in the address. SRTError where it holds what no filter can."""
    return read_filter(st.query_params)


def write_filter(only: Filter) -> None:
    """Put a filter into the address and go back to the first page."""
    write_view(filter_to_address(only), NAMES)


def write_view(written: Mapping[str, str], names: Sequence[str]) -> None:
    """Put these parameters into the address in the place of all of `names`, and go back to the first page."""
    for name in (*names, "page"):
        put_in_address(name, written.get(name, ""))


def describe_filter(only: Filter, said: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Say a filter in one line, for the log. It may quote the data set.

    `said` gives what is said of the values of a listed condition, as facets.choices does, where it says more.
    """
    return "; ".join(conditions(only, said).values()) or "all samples"


def conditions(only: Filter, said: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    """Say each condition of a filter, by the name that `without` takes. It may quote the data set."""
    found = {name: _TYPED[name].format(text) for name in TEXTS if (text := getattr(only, name))}
    for name in (*CHOICES, *LISTED):
        if chosen := getattr(only, name):
            known = (said or {}).get(name, {})
            values = ", ".join(say_value(name, item, known) for item in chosen)
            found[name] = f"{WORDS[name].title.lower()}: {values}"
    for name in LENGTHS:
        if ends := getattr(only, name):
            found[name] = f"{WORDS[name].title.lower()} of {_between(*ends)} characters"
    if only.decided:
        first, last = only.decided
        found["decided"] = f"decided from {first or 'the first day'} to {last or 'the last day'}"
    for name in RANGES:
        origin, range_ends = range_of(only, name)
        if range_ends:
            found[name] = f"{MEASURE_LABELS[name]} of {range_owner(origin)} {_between(*range_ends)}"
    return found | {f"{_OWN}{each.column}": describe_own(each) for each in only.own}


def without(only: Filter, name: str) -> Filter:
    """Return a filter without one of its conditions, by its name in `conditions`."""
    if name in RANGES:
        return only.with_range(name, "", None)
    if name.startswith(_OWN):
        return only.with_own(OwnCondition(name.removeprefix(_OWN)))
    open_ends: dict[str, Any] = {each.name: each.default for each in fields(Filter)}
    return replace(only, **{name: open_ends[name]}) if name in open_ends else only


def _between(low: float, high: float) -> str:
    """Write the ends of a range: 0.5 to 1, 0.5 and more, up to 1."""
    if math.isinf(high):
        return f"{low:g} and more"
    return f"{low:g} to {high:g}"


def say_value(name: str, value: str, said: Mapping[str, str]) -> str:
    """Say a value of a condition. It may be of the data set: an option, never a label."""
    if name == "cluster":
        return f"{value}: {said[value]}" if said.get(value) else f"group {value}"
    if name == "imported":
        return f"{value}: {said[value]}" if said.get(value) else f"file {value}"
    if name in ("producer", "author", "language", "tag", "because"):
        return value
    return label(value.replace("_", " ") if name in ("failure", "score") else value)


def label(name: str) -> str:
    """Return the label of a value that is ours."""
    return _LABELS.get(name, name.capitalize())


def range_of(only: Filter, measure: str) -> tuple[str, Range | None]:
    """Return whose `measure` a filter bounds (WINNER or an origin), and its ends; WINNER, None where it is open."""
    owner, ends = only.range_of(measure)
    return owner or WINNER, ends


def with_range(only: Filter, measure: str, owner: str, ends: Range | None) -> Filter:
    """Return the filter with the `measure` of the winner or of one origin bounded, or open again."""
    return only.with_range(measure, "" if owner == WINNER else owner, ends)


def range_owner(owner: str) -> str:
    """Say whose a range is."""
    return "the winner" if owner == WINNER else f"the {label(owner).lower()} version"
