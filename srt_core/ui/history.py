"""The History screen: every event, the newest first, with filters and undo."""

import json

import streamlit as st

from srt_core import ledger
from srt_core.ledger import EventFilter
from srt_core.store import Row
from srt_core.ui.page import address, curator, reporting, show_empty
from srt_core.ui.runtime import Project
from srt_core.ui.words import KIND_LABELS, ORIGIN_LABELS

PAGE_ROWS = 50


def render_history(project: Project) -> None:
    """Draw the whole screen."""
    store = project.store
    if not ledger.count_events(store, EventFilter()):
        show_empty(
            "Nothing has happened in this project yet. Import a file first.", "pages/1_Import.py", "Import a file"
        )
        return
    only = _choose(project)
    total = ledger.count_events(store, only)
    if not total:
        st.markdown("No event matches. Clear a filter.")
        return
    pages = -(-total // PAGE_ROWS)
    st.markdown(f"**{total:,}** events")
    page = st.pagination(pages, key="history_page") if pages > 1 else 1
    rows = ledger.events(store, only, PAGE_ROWS, (min(page, pages) - 1) * PAGE_ROWS)
    chosen = _draw_table(rows)
    if chosen is None:
        st.caption("Select a row to see it whole, and to undo it.")
    else:
        _draw_event(project, chosen)


def _choose(project: Project) -> EventFilter:
    first, second, third = st.columns(3)
    kind = first.selectbox(
        "What",
        ledger.kinds(project.store),
        index=None,
        format_func=lambda name: KIND_LABELS.get(name, name),
        placeholder="Everything",
        key="kind",
        bind="query-params",
    )
    author = second.selectbox(
        "Who",
        ledger.authors(project.store),
        index=None,
        placeholder="Everybody",
        key="author",
        bind="query-params",
    )
    sample = third.text_input("Sample id", key="of_sample", bind="query-params", placeholder="All samples")
    return EventFilter(kind=kind, author=author, sample_id=(sample or "").strip() or None)


def _draw_table(rows: list[Row]) -> Row | None:
    table = [
        {
            "time": row["made_at"],
            "who": row["author"],
            "what": f"{KIND_LABELS.get(row['kind'], row['kind'])}{', undone' if row['undone'] else ''}",
            "sample": row["sample_id"],
            "candidate": ORIGIN_LABELS.get(row["origin"], ""),
            "together": row["in_action"] if row["in_action"] > 1 else None,
        }
        for row in rows
    ]
    picked = st.dataframe(
        table,
        hide_index=True,
        placeholder="",
        key="events",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "time": st.column_config.DatetimeColumn("Time (UTC)", format="YYYY-MM-DD HH:mm:ss"),
            "who": "Who",
            "what": "What",
            "sample": "Sample",
            "candidate": "Candidate",
            "together": st.column_config.NumberColumn("In one action", help="Samples decided by the same bulk action."),
        },
    )
    indices = picked["selection"]["rows"]
    return rows[indices[0]] if indices and indices[0] < len(rows) else None


def _draw_event(project: Project, row: Row) -> None:
    with st.container(border=True):
        st.markdown(f"**{KIND_LABELS.get(row['kind'], row['kind'])}** · event {row['event_id']}")
        st.code(json.dumps(json.loads(row["context"]), indent=2, ensure_ascii=False), language="json", wrap_lines=True)
        if row["response"] is not None:
            for part in ("instruction", "input", "response"):
                st.caption(f"Edited {part}")
                st.text(row[part])
        if row["sample_id"]:
            st.page_link("pages/6_Review.py", label="Open the sample in Review", icon=":material/fact_check:",
                         query_params=address(sample=row["sample_id"]))  # fmt: skip
        if row["kind"] in ledger.DECISIONS and not row["undone"]:
            _draw_undo(project, row)


def _draw_undo(project: Project, row: Row) -> None:
    with st.container(horizontal=True):
        if st.button("Undo this decision", icon=":material/undo:", key=f"undo_{row['event_id']}"):
            with reporting():
                ledger.undo(project.store, row["event_id"], curator())
                st.rerun()
        if row["in_action"] > 1 and st.button(
            f"Undo all {row['in_action']:,} of this action", icon=":material/undo:", key=f"undo_all_{row['action_id']}"
        ):
            with reporting():
                ledger.undo_action(project.store, row["action_id"], curator())
                st.rerun()
