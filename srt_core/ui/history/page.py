"""The History screen: who did what, the newest first, with filters in the address, and the state as of any event."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from srt_core.errors import DecisionError
from srt_core.project import events
from srt_core.project.candidates import find_sample
from srt_core.project.events import Event, EventFilter
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.review import history
from srt_core.review.history import BREAK_SECONDS, ENOUGH
from srt_core.review.trust.audits import Approval
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.page import show_empty
from srt_core.ui.frame.words import describe_event, duration
from srt_core.ui.history.event import Shown, broken, draw_event, shown_of, what
from srt_core.ui.history.figures import MOST_NAMED, activity_bars
from srt_core.ui.history.kept import about
from srt_core.ui.history.state import AS_OF, draw_state
from srt_core.ui.server.runtime import Project

PAGE_ROWS = 50
_HEIGHT = 420
"""Of the list, in pixels: eleven rows, so that what is selected shows below it."""


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
    if only is None:
        return
    total = events.count_events(store, only)
    if not total:
        st.markdown("No event matches. Clear a filter.")
        return
    pages = -(-total // PAGE_ROWS)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{total:,}** {counted(total, 'event').partition(' ')[2]}. "
                    "Select one to see it whole, to undo it, and to see the project as it was then.")  # fmt: skip
        page = st.pagination(pages, key="history_page") if pages > 1 else 1
    rows = events.events(store, only, PAGE_ROWS, (min(page, pages) - 1) * PAGE_ROWS)
    shown = shown_of(store, rows)
    chosen = _draw_table(rows, shown, broken(project, rows))
    if chosen is not None:
        draw_event(project, chosen, shown)
    _draw_activity(store, only)


def _choose(project: Project) -> EventFilter | None:
    """Ask for a filter; None where it names a sample that is not there, which is said."""
    first, second, third = st.columns(3)
    kind = first.selectbox("What", events.kinds(project.store), index=None, format_func=_kind,
                           placeholder="Everything", key="kind", bind="query-params")  # fmt: skip
    author = second.selectbox("Who", events.authors(project.store), index=None, placeholder="Everybody", key="author",
                              bind="query-params")  # fmt: skip
    sample = third.text_input("Sample", key="of_sample", bind="query-params", placeholder="Number or id")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first_day = st.date_input("From", None, key="since", bind="query-params", format="YYYY-MM-DD", width=170)
        last_day = st.date_input("To", None, key="until", bind="query-params", format="YYYY-MM-DD", width=170)
        text = st.text_input("In the note", key="note", bind="query-params", placeholder="A filter, policy or file",
                             help="A note stands with bulk actions, policies, exports and imports.",
                             width=230)  # fmt: skip
        is_bulk = st.toggle("Only actions on many samples", key="bulk", bind="query-params", width="content")
    name = (sample or "").strip()
    try:
        sample_id = find_sample(project.store, name) if name else None
    except DecisionError as error:
        st.text(f"{error.message} {error.hint}")
        return None
    return EventFilter(
        kind=kind,
        author=author,
        sample_id=sample_id,
        since=_utc(first_day) if first_day else None,
        until=_utc(last_day + timedelta(days=1)) if last_day else None,
        text=(text or "").strip() or None,
        is_bulk=is_bulk,
    )


def _kind(kind: str) -> str:
    return describe_event(kind, None)


def _utc(day: date) -> datetime:
    """Return when a day of the person's clock begins."""
    return datetime.combine(day, time()) + timedelta(minutes=_behind())


def _behind() -> int:
    return st.context.timezone_offset or 0


def _draw_activity(store: Store, only: EventFilter) -> None:
    """Draw who did how much on which day, and how fast, of what the filter lets through."""
    counts = history.activity(store, only, _behind())
    if not counts:
        return
    paces = history.paces(store, only)
    if all(each.typical_seconds is None for each in paces):
        paces = []
    left, right = st.columns([3, 2] if paces else [1, 0.001], gap="large")
    with left:
        st.markdown("**Actions a day, by reviewer**", help="One on many samples at once counts once. The last 60 days "
                    f"with any; who is not among the {MOST_NAMED} with the most is one of the others.")  # fmt: skip
        busiest = max(counts, key=lambda each: each[2])
        said = (f"Actions by day and reviewer, from {counts[0][0]} to {counts[-1][0]}. The most by one: "
                f"{busiest[2]:,} on {busiest[0]}.")  # fmt: skip
        st.plotly_chart(activity_bars(counts), key="activity", config=DOWNLOAD, alt=said)
    if paces:
        with right:
            _draw_paces(paces)


def _draw_paces(paces: list[history.Pace]) -> None:
    minutes = BREAK_SECONDS // 60
    st.markdown("**Pace without breaks**", help=f"Decisions on single samples and blind reads, one by one. More than "
                f"{minutes} minutes without any is a break, and counts nowhere.")  # fmt: skip
    st.dataframe(
        [
            {
                "who": each.author,
                "n": each.decisions,
                "time": duration(each.seconds),
                "typical": f"{each.typical_seconds:,.0f} s" if each.typical_seconds is not None else "too few",
            }
            for each in paces
        ],
        hide_index=True,
        column_config={
            "who": "Reviewer",
            "n": st.column_config.NumberColumn("Decisions", format="localized"),
            "time": st.column_config.TextColumn("Time at it", help="Without breaks."),
            "typical": st.column_config.TextColumn("A decision takes", help="From one to the next, at the median; said "
                                                   f"from {ENOUGH} on."),
        },
        alt="How many decisions each reviewer made one by one, in which time, and the median time of one.",
    )  # fmt: skip


def _draw_table(rows: list[Event], shown: Shown, broken: Mapping[int, Approval]) -> Event | None:
    table = [
        {
            "event": event.event_id,
            "time": event.made_at.replace(tzinfo=UTC),
            "who": "" if event.kind == "import" else event.author,
            "what": f"{what(event, shown.undone)}{' (undone)' if event.undone else ''}",
            "sample": sample.seq if sample else None,
            "text": sample.text if sample else "",
            "about": about(event) + ("; its evidence is broken" if event.action_id in broken else ""),
            "together": event.in_action if event.in_action > 1 else None,
        }
        for event, sample in ((event, shown.beginnings.get(event.sample_id or "")) for event in rows)
    ]
    picked = st.dataframe(
        table,
        hide_index=True,
        placeholder="",
        height=min(_HEIGHT, 37 + 35 * len(table)),
        key="events",
        on_select="rerun",
        selection_mode="single-row",
        alt="The events of this page, the newest first.",
        column_config={
            "event": st.column_config.NumberColumn("Event", width=60),
            "time": st.column_config.DatetimeColumn("Time", format="YYYY-MM-DD HH:mm", timezone=_zone(), width=125),
            "who": st.column_config.TextColumn("Who", width=80),
            "what": st.column_config.TextColumn("What", width=140),
            "sample": st.column_config.NumberColumn("No", help="Of the sample.", width=50),
            "text": st.column_config.TextColumn("Instruction", width=235),
            "about": st.column_config.TextColumn("About", width=235),
            "together": st.column_config.NumberColumn("Together", width=70,
                                                      help="Samples decided by the same action on many."),
        },
    )  # fmt: skip
    indices = picked["selection"]["rows"]
    return rows[indices[0]] if indices and indices[0] < len(rows) else None


def _zone() -> str:
    return st.context.timezone or "UTC"
