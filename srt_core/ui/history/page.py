"""The History screen: who did what, the newest first, with filters in the address, and the state as of any event."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from srt_core.project import events
from srt_core.project.events import Event, EventFilter
from srt_core.review import history
from srt_core.review.trust.audits import Approval
from srt_core.ui.frame.page import show_empty
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.history.event import about, broken, draw_event, kind_label
from srt_core.ui.history.figures import activity_bars
from srt_core.ui.history.state import AS_OF, draw_state
from srt_core.ui.server.runtime import Project

PAGE_ROWS = 50


def render_history(project: Project) -> None:
    """Draw the whole screen."""
    store = project.store
    if not events.count_events(store, EventFilter()):
        show_empty(
            "Nothing has happened in this project yet. Import a file first.", "pages/1_Import.py", "Import a file"
        )
        return
    if st.query_params.get(AS_OF, "").isdecimal():
        draw_state(project, int(st.query_params[AS_OF]))
    only = _choose(project)
    total = events.count_events(store, only)
    if not total:
        st.markdown("No event matches. Clear a filter.")
        return
    _draw_activity(project, only)
    pages = -(-total // PAGE_ROWS)
    st.markdown(f"**{total:,}** {'event' if total == 1 else 'events'}")
    page = st.pagination(pages, key="history_page") if pages > 1 else 1
    rows = events.events(store, only, PAGE_ROWS, (min(page, pages) - 1) * PAGE_ROWS)
    made_by = history.candidate_producers(store, rows)
    chosen = _draw_table(rows, made_by, broken(project, rows))
    if chosen is None:
        st.caption("Select a row to see it whole, to undo it, and to see the project as it was then.")
    else:
        draw_event(project, chosen, made_by)


def _choose(project: Project) -> EventFilter:
    first, second, third = st.columns(3)
    kind = first.selectbox("What", events.kinds(project.store), index=None, format_func=kind_label,
                           placeholder="Everything", key="kind", bind="query-params")  # fmt: skip
    author = second.selectbox("Who", events.authors(project.store), index=None, placeholder="Everybody", key="author",
                              bind="query-params")  # fmt: skip
    sample = third.text_input("Sample id", key="of_sample", bind="query-params", placeholder="All samples")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first_day = st.date_input("From", None, key="since", bind="query-params", format="YYYY-MM-DD", width=170)
        last_day = st.date_input("To", None, key="until", bind="query-params", format="YYYY-MM-DD", width=170)
        text = st.text_input("In the note", key="note", bind="query-params", placeholder="A filter, policy or file",
                             help="A note stands with bulk actions, policies, exports and imports.",
                             width=230)  # fmt: skip
        is_bulk = st.toggle("Only actions on many samples", key="bulk", bind="query-params", width="content")
    return EventFilter(
        kind=kind,
        author=author,
        sample_id=(sample or "").strip() or None,
        since=_utc(first_day) if first_day else None,
        until=_utc(last_day + timedelta(days=1)) if last_day else None,
        text=(text or "").strip() or None,
        is_bulk=is_bulk,
    )


def _utc(day: date) -> datetime:
    """Return when a day of the person's clock begins."""
    return datetime.combine(day, time()) + timedelta(minutes=_behind())


def _behind() -> int:
    return st.context.timezone_offset or 0


def _draw_activity(project: Project, only: EventFilter) -> None:
    counts = history.activity(project.store, only, _behind())
    days = len({day for day, *_ in counts})
    busiest = max(counts, key=lambda each: each[2])
    said = (f"Actions by day and person over {days:,} days with any, from {counts[0][0]} to {counts[-1][0]}. The most "
            f"by one person: {busiest[2]:,} on {busiest[0]}.")  # fmt: skip
    st.plotly_chart(activity_bars(counts), key="activity", config={"displayModeBar": False}, alt=said)


def _draw_table(rows: list[Event], made_by: Mapping[int, str], broken: Mapping[int, Approval]) -> Event | None:
    table = [
        {
            "event": event.event_id,
            "time": event.made_at.replace(tzinfo=UTC),
            "who": event.author,
            "what": f"{kind_label(event.kind)}{', undone' if event.undone else ''}",
            "about": about(event) + ("; its evidence is broken" if event.action_id in broken else ""),
            "candidate": ORIGIN_LABELS[event.origin] if event.origin else "",
            "producer": made_by.get(event.candidate_id, "") if event.candidate_id else "",
            "sample": event.sample_id,
            "together": event.in_action if event.in_action > 1 else None,
        }
        for event in rows
    ]
    picked = st.dataframe(
        table,
        hide_index=True,
        placeholder="",
        key="events",
        on_select="rerun",
        selection_mode="single-row",
        alt="The events of this page, the newest first.",
        column_config={
            "event": st.column_config.NumberColumn("Event", width="small"),
            "time": st.column_config.DatetimeColumn("Time", format="YYYY-MM-DD HH:mm:ss", timezone=_zone()),
            "who": "Who",
            "what": "What",
            "about": st.column_config.TextColumn("About", width="medium"),
            "candidate": "Candidate",
            "producer": "Made by",
            "sample": "Sample",
            "together": st.column_config.NumberColumn("In one action", help="Samples decided by the same bulk action."),
        },
    )
    indices = picked["selection"]["rows"]
    return rows[indices[0]] if indices and indices[0] < len(rows) else None


def _zone() -> str:
    return st.context.timezone or "UTC"
