"""What was imported before, and the rows that could not be."""

from pathlib import Path

import streamlit as st

from srt_core.importing.imports import imports
from srt_core.importing.rejects import rejects, rejects_by_reason
from srt_core.project.store import Store

PAGE_ROWS = 50
WHOLE = st.column_config.NumberColumn(format="localized")


def draw_imports(store: Store) -> None:
    """List the imported files, the newest first."""
    st.subheader("Imported so far")
    found = imports(store)
    if not found:
        st.markdown("Nothing yet. Choose a file above: you see what comes out of it before anything is stored.")
        return
    st.dataframe(
        [
            {
                "File": Path(each.path).name,
                "Format": each.format,
                "Rows taken": each.taken,
                "Rows rejected": each.rejected,
                "State": "complete" if each.finished else "not finished: import it again to go on",
                "When (UTC)": each.made_at,
            }
            for each in found
        ],
        hide_index=True,
        column_config=dict.fromkeys(("Rows taken", "Rows rejected"), WHOLE),
        alt="The imported files with the rows taken and rejected.",
    )


def draw_rejects(store: Store) -> None:
    """Show the rejected rows: how many for each reason, then one page of them with line and text."""
    by_reason = rejects_by_reason(store)
    if not by_reason:
        return
    st.subheader("Rejected rows")
    st.markdown("They are kept here and nowhere else. Correct them in the file and import it again: only they are new.")
    st.dataframe(
        [{"Reason": reason, "Rows": rejected} for reason, rejected in by_reason.items()],
        hide_index=True,
        column_config={"Rows": WHOLE},
        alt="Rejected rows counted by reason.",
    )
    total = sum(by_reason.values())
    pages = -(-total // PAGE_ROWS)
    page = st.pagination(pages, key=f"rejects_page_{pages}") if pages > 1 else 1
    st.dataframe(
        [
            {
                "File": Path(row.path).name,
                "Row": row.row,
                "Line": row.line,
                "Reason": row.reason,
                "Text": row.raw,
            }
            for row in rejects(store, PAGE_ROWS, (page - 1) * PAGE_ROWS)
        ],
        hide_index=True,
        alt="Rejected rows with line, reason and text.",
    )
