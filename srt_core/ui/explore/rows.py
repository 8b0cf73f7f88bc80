"""What a page of the table shows: one row a sample, with the hits of a search marked. All of it is text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srt_core.methods import MEASURES
from srt_core.project import candidates
from srt_core.project.store import Store
from srt_core.records import Candidate, Origin, Pair
from srt_core.review.filter.filter import Filter, similar
from srt_core.review.filter.page import Listed, order_label
from srt_core.ui.frame.words import ACTION_LABELS, MEASURE_HELP, ORIGIN_LABELS, REASON_LABELS, number

CELL_CHARACTERS = 200
"""A cell shows the start of a text; the whole of it stands in the sample."""
BEFORE_HIT = 24
"""Characters of a text before a hit that its cell shows."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its title, one sentence of it, and the orders that its head puts the whole set into."""

    name: str
    title: str
    help: str
    orders: Sequence[str]


def _of_winner(measure: str, *, is_high_first: bool = False) -> tuple[str, str]:
    label = order_label(MEASURES[measure])
    low, high = f"{label} of the winner, low first", f"{label} of the winner, high first"
    return (high, low) if is_high_first else (low, high)


COLUMNS = (
    Column("number", "No.", "The sample's number in the project.", ("number", "number, high first")),
    Column("decision", "Decision", "What a reviewer did with it; – for nothing yet.",
           ("decision, decided first", "decision, open first")),
    Column("rule", "Rule says", "The version that the rule keeps, or why it leaves the sample out.",
           ("what the rule says, kept first", "what the rule says, left out first")),
    Column("text", "Instruction", "Of the original. Where you search, the place that holds the text.",
           ("instruction, A to Z", "number")),
    Column("ifd", "IFD", f"Of the original → of the version that won. {MEASURE_HELP['ifd']}", _of_winner("ifd")),
    Column("r_ifd", "r-IFD", f"Of the original → of the version that won. {MEASURE_HELP['r_ifd']}",
           _of_winner("r_ifd")),
    Column("growth", "Len", f"Of the version that won. {MEASURE_HELP['growth']}",
           _of_winner("growth", is_high_first=True)),
)  # fmt: skip


def cells(store: Store, rows: Sequence[Listed], only: Filter) -> list[dict[str, Any]]:
    """Return the rows of a filter as the browser gets them, with the hits of its search or how similar each is."""
    text = only.text
    ids = [key for row in rows for key in row.takes.values() if key is not None]
    held = candidates.candidates_by_sample(store, ids, ()) if text else {}
    near = {each.seq: each.similarity for each in similar(store, only.similar)} if only.similar else {}
    return [_row(row, held.get(row.sample_id, {}), text, near.get(row.seq)) for row in rows]


def _row(row: Listed, held: Mapping[Origin, Candidate], text: str, similarity: float | None) -> dict[str, Any]:
    rule = row.selection
    growth = row.winner["growth"]
    return {
        "sample": row.sample_id,
        "number": row.seq,
        "decision": said_of_decision(row),
        "rule": f"Keep {ORIGIN_LABELS[rule.origin]}" if rule.origin else REASON_LABELS[rule.reason],
        "keeps": rule.origin is not None,
        "text": ([] if similarity is None else [[2, f"{similarity:.2f}  "]])
        + (_found(row.pair, held, text) if text else [[0, row.pair.instruction[:CELL_CHARACTERS]]]),
        "ifd": _change(row, "ifd"),
        "r_ifd": _change(row, "r_ifd"),
        "growth": "" if growth is None else f"{growth:.1f}×" if growth < 10 else f"{growth:,.0f}×",
    }


def said_of_decision(row: Listed) -> str:
    """Say a decision in few words: "Kept: Response"; "" for none."""
    if not row.action:
        return ""
    label = ACTION_LABELS[row.action]
    return f"{label}: {ORIGIN_LABELS[row.origin]}" if row.approved and row.origin else label


def _change(row: Listed, measure: str) -> str:
    """Write a measure of the original and of the version that won: "0.61 → 0.74"."""
    before, after = row.original[measure], row.winner[measure]
    if row.selection.winner is Origin.ORIGINAL:
        return number(before)
    return f"{number(before)} → {number(after)}"


def _found(original: Pair, held: Mapping[Origin, Candidate], text: str) -> list[list[Any]]:
    """Return the place that holds a text, its hits marked: of the instruction where it has one, else named."""
    wanted = re.compile(re.escape(text), re.IGNORECASE)
    for label, place in _places(original, held):
        if hit := wanted.search(place):
            begin = 0 if hit.end() <= CELL_CHARACTERS // 2 else max(0, hit.start() - BEFORE_HIT)
            cut = place[begin : begin + CELL_CHARACTERS]
            head = ([[2, f"{label}: "]] if label else []) + ([[0, "…"]] if begin else [])
            return head + _marked(cut, wanted)
    return [[2, "in another version, or the context: "], [0, original.instruction[:CELL_CHARACTERS]]]


def _marked(text: str, wanted: re.Pattern[str]) -> list[list[Any]]:
    spans: list[list[Any]] = []
    at = 0
    for hit in wanted.finditer(text):
        spans += [[0, text[at : hit.start()]], [1, hit.group()]]
        at = hit.end()
    return [span for span in [*spans, [0, text[at:]]] if span[1]]


def _places(original: Pair, held: Mapping[Origin, Candidate]) -> list[tuple[str, str]]:
    """List the texts of a sample with what each is called; the instruction, which the column is of, has no name."""
    found = [("", original.instruction), ("Input", original.input), ("Response", original.response)]
    for origin, candidate in held.items():
        pair = candidate.pair
        if origin is not Origin.ORIGINAL:
            found += [(f"{ORIGIN_LABELS[origin]}: {part}", getattr(pair, part)) for part in _PARTS]
    return found


_PARTS = ("instruction", "input", "response")
