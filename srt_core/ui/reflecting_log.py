"""What the teacher's replies came to: by outcome, and each failed reflection with its raw text."""

import streamlit as st

from srt_core.status import failed_reflections, reply_outcomes
from srt_core.store import Row, Store
from srt_core.ui.page import PAGES, address
from srt_core.ui.words import ORIGIN_LABELS

PAGE_FAILURES = 5
REVIEW, EXPLORE = "pages/6_Review.py", "pages/4_Explore.py"

_STATUS_LABELS = {"accepted": "Accepted", "refused": "Reply refused", "failed": "No reply"}


def draw_outcomes(store: Store) -> None:
    """Count the replies by what became of them."""
    found = reply_outcomes(store)
    if not found:
        return
    st.subheader("Replies so far")
    st.dataframe(
        [
            {
                "Outcome": _STATUS_LABELS.get(row["status"], row["status"]),
                "Reason": row["reason"].replace("_", " "),
                "Replies": row["replies"],
            }
            for row in found
        ],
        hide_index=True,
        width=560,
        column_config={"Replies": st.column_config.NumberColumn(format="localized")},
        alt="Replies counted by outcome.",
    )


def draw_failures(store: Store, total: int) -> None:
    """Show one page of the failed reflections that stand: reason, raw text, and the way to repair each."""
    if not total:
        return
    st.subheader("Failed reflections")
    st.markdown("A reply is used whole or not at all. Retry these, or repair one by hand in Review.")
    st.page_link(EXPLORE, label="Show their samples in Explore", icon=PAGES[EXPLORE][1],
                 query_params=address(problem="failed reflection"))  # fmt: skip
    pages = -(-total // PAGE_FAILURES)
    page = st.pagination(pages, key=f"failures_page_{pages}") if pages > 1 else 1
    for row in failed_reflections(store, PAGE_FAILURES, (page - 1) * PAGE_FAILURES):
        _draw_failure(row)


def _draw_failure(row: Row) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            label = ORIGIN_LABELS[row["origin"]]
            st.markdown(f"**Sample {row['seq']}**, rewrite: {label}", width="stretch")
            st.page_link(REVIEW, label="Repair in Review", icon=PAGES[REVIEW][1],
                         query_params=address(sample=row["sample_id"]))  # fmt: skip
        st.text(f"{row['reason'].replace('_', ' ')}: {row['detail']}")
        if row["raw"]:
            with st.expander("Raw reply"):
                st.code(row["raw"], language=None, wrap_lines=True)
