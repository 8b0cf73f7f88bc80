"""The samples by outcome, before and after the limits that are set, as a table with the counts to read."""

from urllib.parse import urlencode

import streamlit as st

from srt_core.records import Reason
from srt_core.select.compare.whatif import Comparison
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.words import ORIGIN_LABELS, REASON_LABELS, in_sentence

_OUTCOMES = {
    **{str(origin): f"Keep {label}" for origin, label in ORIGIN_LABELS.items()},
    **{str(reason): f"Leave out: {in_sentence(label)}" for reason, label in REASON_LABELS.items()},
}


def render_outcomes(found: Comparison) -> None:
    """Draw the table."""
    rows = [name for name in _OUTCOMES if name in {**found.before, **found.after}]
    total = sum(found.before.values())
    number, bar = st.column_config.NumberColumn, st.column_config.ProgressColumn
    st.dataframe(
        [
            {
                "outcome": _OUTCOMES[name],
                "before": found.before.get(name, 0),
                "after": found.after.get(name, 0),
                "change": (found.after.get(name, 0) - found.before.get(name, 0)) or None,
                "rows": _rows_address(name),
            }
            for name in rows
        ],
        hide_index=True,
        column_config={
            "outcome": st.column_config.TextColumn("Outcome", width="medium"),
            "before": bar("Before (in use)", format="localized", min_value=0, max_value=total, width="small"),
            "after": bar("After", format="localized", min_value=0, max_value=total, width="small",
                         help="Under the limits as they are set."),
            "change": number("Change", format="%+d", width=70),
            "rows": st.column_config.LinkColumn(
                "Samples", display_text="open", width=70, help="Open those of before in Explore."
            ),
        },
        placeholder="",
        alt="Samples by outcome, before and after the limits as they are set",
    )  # fmt: skip


def _rows_address(outcome: str) -> str:
    """Return the address in Explore of the samples with an outcome under the policy in use."""
    kept = {"reason": str(Reason.KEPT), "winner": outcome} if outcome in ORIGIN_LABELS else {"reason": outcome}
    return f"Explore?{urlencode(address(**kept))}"
