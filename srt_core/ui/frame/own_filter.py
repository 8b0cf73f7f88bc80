"""The filter's conditions on the columns of the curator's own: one column at a time, those that are set in words.

Names and values are of the file: they are options and texts, never labels.
"""

import math
from collections.abc import Callable, Sequence

import streamlit as st

from srt_core.project.store import Store
from srt_core.review.filter.own import OwnColumn, OwnCondition, own_column, own_columns
from srt_core.review.filter.own_address import describe_own
from srt_core.ui.frame.page import acting

NAME_WIDTH, VALUES_WIDTH, TEXT_WIDTH, NUMBER_WIDTH = 184, 240, 168, 96

Take = Callable[[OwnCondition], None]
"""Puts a condition into the filter, in the place of the one on the same column."""


def draw_own(store: Store, chosen: Sequence[OwnCondition], born: int, take: Take) -> None:
    """Offer a column, and the conditions that fit what it holds."""
    held = {each.column: each for each in chosen}
    names = list(dict.fromkeys([*own_columns(store), *held]))
    if not names:
        st.caption("The imported files have no columns beside those that make the pairs.", width="content")
        return
    first = names.index(next(iter(held), names[0]))
    name = st.selectbox("Column of the file", names, first, key="filter_own_name", width=NAME_WIDTH)
    key = f"filter_own_{names.index(name)}_{born}"
    found, condition = own_column(store, name), held.get(name, OwnCondition(name))
    _draw_values(found, condition, key, take)
    if found.lowest is not None or condition.ends:
        _draw_ends(found, condition, key, take)
    else:
        st.text_input("contains", condition.contains, key=f"{key}_contains", on_change=_turn, args=(name, key, take),
                      placeholder="anything", width=TEXT_WIDTH)  # fmt: skip
    if held:
        st.text(" · ".join(map(describe_own, chosen)))


def _draw_values(found: OwnColumn, condition: OwnCondition, key: str, take: Take) -> None:
    listed = list(dict.fromkeys([*found.most_frequent, *condition.among]))
    rarer = found.distinct_values - len(found.most_frequent)
    st.multiselect("is one of", listed, list(condition.among), key=f"{key}_among", on_change=_turn,
                   args=(condition.column, key, take), placeholder="All", width=VALUES_WIDTH, wrap=False,
                   accept_new_options=rarer > 0,
                   help=f"{rarer:,} rarer values are not listed: type one." if rarer else None)  # fmt: skip


def _draw_ends(found: OwnColumn, condition: OwnCondition, key: str, take: Take) -> None:
    ends = condition.ends or (-math.inf, math.inf)
    for part, value, bound in zip(("from", "to"), ends, (found.lowest, found.highest), strict=True):
        st.number_input(part, value=value if math.isfinite(value) else None, format="%.6g", key=f"{key}_{part}",
                        on_change=_turn, args=(condition.column, key, take), width=NUMBER_WIDTH,
                        placeholder="any" if bound is None else f"{bound:.6g}")  # fmt: skip


@acting
def _turn(column: str, key: str, take: Take) -> None:
    among, contains, low, high = (st.session_state.get(f"{key}_{part}") for part in _PARTS)
    is_open = low is None and high is None
    ends = None if is_open else (-math.inf if low is None else low, math.inf if high is None else high)
    take(OwnCondition(column, tuple(among or ()), contains or "", ends))


_PARTS = ("among", "contains", "from", "to")
