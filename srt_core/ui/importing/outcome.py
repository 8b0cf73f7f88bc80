"""What would come out of a file, before anything is stored: totals, what becomes of its columns, and the first rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import streamlit as st

from srt_core.importing.files import Account, ImportRow, Options, Reject, Source, read_rows
from srt_core.records import Origin, Pair, counted
from srt_core.ui.frame.words import ORIGIN_LABELS

PREVIEWED, LOOKED_AT = 5, 200
SHOWN_CHARACTERS = 2_000
COUNTED_BYTES = 20_000_000
"""A file of at most so many is read whole, in a second or two; of a larger one the first rows, unless asked."""
_HELD = "import_outcome"


@dataclass(frozen=True, slots=True)
class Expected:
    """What reading a file, or its first rows, came to."""

    taken: int
    rejected: int
    is_whole: bool
    lines: list[str]
    """What becomes of its columns."""
    shown: list[ImportRow | Reject]
    """The first rows, and the first that would be rejected."""

    @property
    def says(self) -> str:
        """The totals in a sentence."""
        rows = self.taken + self.rejected
        of = f"the {counted(rows, 'row')} of this file" if self.is_whole else f"the first {counted(rows, 'row')}"
        return f"Of {of} {self.taken:,} would be taken and {self.rejected:,} would be rejected."


def draw_outcome(source: Source, asked: Mapping[str, Any], options: Options) -> None:
    """Show what the rows would become, and what of; DatasetError where the mapping does not fit."""
    st.subheader("What comes out", anchor=False)
    found = _expected(source, asked, options)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(found.says, width="content")
        if not found.is_whole:
            st.button("Count the whole file", key="count_whole", on_click=_count_whole, args=(source.name,),
                      help="It is read to its end, which may take a while; nothing is stored.")  # fmt: skip
    for line in found.lines:
        st.text(line)
    st.dataframe(
        [line for row in found.shown for line in _shown(row)],
        hide_index=True,
        column_config={name: st.column_config.TextColumn(width="medium") for name in ("Instruction", "Input")},
        alt="The first rows as pairs: originals, the rewrites beside them, and what would be rejected.",
    )


def _count_whole(name: str) -> None:
    st.session_state["import_counted"] = name


def _expected(source: Source, asked: Mapping[str, Any], options: Options) -> Expected:
    """Read the file as it would be imported; read once for each way of reading it."""
    is_whole = source.size <= COUNTED_BYTES or st.session_state.get("import_counted") == source.name
    key = json.dumps([source.name, source.size, is_whole, dict(asked), asdict(options)], sort_keys=True, default=str)
    held: tuple[str, Expected] | None = st.session_state.get(_HELD)
    if held is None or held[0] != key:
        held = st.session_state[_HELD] = (key, _read(source, asked, options, is_whole=is_whole))
    return held[1]


def _read(source: Source, asked: Mapping[str, Any], options: Options, *, is_whole: bool) -> Expected:
    account = Account()
    rows = read_rows(source, asked["format"], asked["columns"] or None, options, account=account)
    first: list[ImportRow | Reject] = []
    rejects: list[ImportRow | Reject] = []
    taken = rejected = 0
    for row in rows if is_whole else islice(rows, LOOKED_AT):
        is_reject = isinstance(row, Reject)
        taken, rejected = taken + (not is_reject), rejected + is_reject
        if taken + rejected <= PREVIEWED:
            first.append(row)
        elif is_reject and len(rejects) < PREVIEWED:
            rejects.append(row)
    return Expected(taken, rejected, is_whole or next(rows, None) is None, account.lines(), [*first, *rejects])


def _shown(row: ImportRow | Reject) -> list[dict[str, object]]:
    if isinstance(row, Reject):
        return [_line(row.row, "Rejected", Pair(row.raw, ""), f"{row.reason} {row.detail}".strip())]
    pairs: dict[Origin, Pair] = {Origin.ORIGINAL: row.original, **row.candidates}
    good = [_line(row.row, ORIGIN_LABELS[origin], pair) for origin, pair in pairs.items()]
    return good + [_line(row.row, ORIGIN_LABELS[origin], Pair("", ""), why) for origin, why in row.refused.items()]


def _line(row: int, version: str, pair: Pair, problem: str = "") -> dict[str, object]:
    before = "\n\n".join(f"{message['role']}: {message['content']}" for message in pair.context.messages)
    texts = {"Context": before, "Instruction": pair.instruction, "Input": pair.input, "Response": pair.response}
    return {"Row": row, "Version": version, "Problem": problem, **{name: cut(text) for name, text in texts.items()}}


def cut(text: str) -> str:
    """Return what of a text is drawn: a cell is for a look at it."""
    more = len(text) - SHOWN_CHARACTERS
    return f"{text[:SHOWN_CHARACTERS]} … {more:,} more characters" if more > 0 else text
