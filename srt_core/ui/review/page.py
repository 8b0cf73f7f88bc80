"""The Review screen: the desk in the browser over a queue, and the address in which its place stands."""

from functools import partial
from typing import Any

import streamlit as st

from srt_core.project.candidates import count_samples, find_sample
from srt_core.review import alike, queues
from srt_core.review.queues import QUEUES, Queue
from srt_core.review.shares import Share, read_assignment
from srt_core.review.trust import audits
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filters import filter_from_address, filter_to_address
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import curator, fragment, reporting, show_empty
from srt_core.ui.review.component import KEY, desk_in_browser
from srt_core.ui.review.desk import Desk, Message
from srt_core.ui.review.seat import Seat
from srt_core.ui.server.runtime import Project
from srt_core.ui.trust.audit import asked_audit, said_of_audit

DEFAULT = "closest"
ALL = "all"
"""What stands in the address for the whole queue instead of the person's share."""
EXPLORE, TRUST, EXPORT, SCORE = "pages/4_Explore.py", "pages/7_Trust.py", "pages/8_Export.py", "pages/3_Score.py"


def render_review(project: Project) -> None:
    """Draw the page: follow the address to its queue and sample, then hand over to the desk."""
    if not count_samples(project.store):
        st.title("Review")
        show_empty("There are no samples to review yet. Import some first.", "pages/1_Import.py", "Import")
        return
    desk = open_desk(project)
    seat = take_seat(project)  # where the address names no queue that is there, the error is all there is to show
    with reporting():  # a sample that is not there: the queue is there all the same
        desk.arrive(st.query_params.get("sample", ""), seat)
    _render_desk(project, desk)


def open_desk(project: Project) -> Desk:
    """Return the session's desk for a project; a fresh one where the project is another than before."""
    desk: Desk | None = st.session_state.get("desk")
    if desk is None or desk.project.store is not project.store:
        desk = st.session_state["desk"] = Desk(project)
    return desk


@fragment
def _render_desk(project: Project, desk: Desk) -> None:
    with reporting(stop=True):
        _leave(project, desk)
        seat = take_seat(project)
        desk.sit(seat)
        data = desk.data(seat) if desk.is_brief else {**desk.data(seat), **_around_the_desk(project, seat)}
    _write_address(desk, seat)
    desk_in_browser(key=KEY, data=data, on_message_change=partial(_hear, project, desk))


def _hear(project: Project, desk: Desk) -> None:
    """Take a message of the browser, and do of it what is of the whole page."""
    message: Message = st.session_state[KEY].message
    with reporting():
        desk.hear(message, take_seat(project))
        if (asked := message.get("queue")) in QUEUES:
            put_in_address("queue", str(asked))
            put_in_address("like", "")
        if "share" in message:
            put_in_address("share", "" if message["share"] else ALL)
        desk.leaves_to = str(message.get("leave") or "")


def take_seat(project: Project) -> Seat:
    """Return who sits at the desk and over which queue, as the address says.

    "filter" takes its filter and order from the address, as in Explore; "drawn" its audit, the newest where none is
    named; "like" the sample that was left out, the person's last where none is named. Whoever comes without naming a
    queue gets one in which something waits.
    """
    store, name = project.store, st.query_params.get("queue", "")
    if name not in QUEUES:
        name = _waiting(project)
        put_in_address("queue", name)
    audit = asked_audit(store) if name == "drawn" else None
    queue = audit.queue if audit else QUEUES[name]
    if name == "filter":
        queue = queues.filter_queue(filter_from_address(), st.query_params.get("sort", "number"))
    if name == "like":
        queue = _like_queue(project)
    share = _share(project, name)
    queue = queues.shared(queue, share) if share else queue
    return Seat(curator(), name, queue, share, audit if audit and audit.is_blind else None)


def _like_queue(project: Project) -> Queue:
    """Return the queue of what is like a sample that was left out. It stays that one until it is chosen again."""
    named = st.query_params.get("like", "")
    sample = find_sample(project.store, named) if named else alike.last_left_out(project.store, curator())
    if sample is None:
        return QUEUES["like"]
    put_in_address("like", sample)
    return queues.like_queue(alike.like(project.store, sample))


def _waiting(project: Project) -> str:
    """Name the first queue that has an open sample: the usual one, or all; the usual one where none has."""
    open_ones = (name for name in (DEFAULT, "all") if queues.next_open(project.store, QUEUES[name], None))
    return next(open_ones, DEFAULT)


def _share(project: Project, name: str) -> Share | None:
    """Return the person's share of the queue; None where they have none, or want to see all of it."""
    if st.query_params.get("share") == ALL:
        return None
    return read_assignment(project.store, name).share(curator())


def _around_the_desk(project: Project, seat: Seat) -> dict[str, Any]:
    """Return what of the page stands in the desk's own header."""
    has_share = read_assignment(project.store, seat.name).share(curator()) is not None
    links = []
    if QUEUES[seat.name].where == "true":  # all that Explore can show of a queue is its filter
        links.append(["explore", "In Explore"])
    if seat.name == "drawn":
        links.append(["audit", said_of_audit(project.store, asked_audit(project.store))])
    return {
        "queue": seat.name,
        "queues": [[name, queue.label, queue.about] for name, queue in _offered(project)],
        "share": (seat.share is not None) if has_share else None,
        "links": links,
    }


def _offered(project: Project) -> list[tuple[str, Queue]]:
    """Return the queues that there are to choose; an audit's where one was drawn."""
    has_audit = bool(audits.audits(project.store))
    return [(name, queue) for name, queue in QUEUES.items() if name != "drawn" or has_audit]


def _leave(project: Project, desk: Desk) -> None:
    """Go to the other page that was asked for, with the address that belongs to it."""
    place, desk.leaves_to = desk.leaves_to, ""
    if place == "explore":
        only = take_seat(project).queue.only
        st.switch_page(EXPLORE, query_params=address(**filter_to_address(only)))
    if place == "audit":
        audit = asked_audit(project.store)
        st.switch_page(TRUST, query_params=address(audit=str(audit.event_id)))
    if place == "export":
        st.switch_page(EXPORT, query_params=address())
    if place == "score":
        st.switch_page(SCORE, query_params=address())


def _write_address(desk: Desk, seat: Seat) -> None:
    """Name the queue and the sample in the address, so that the place survives a reload."""
    desk.note_address()
    for name, value in (("queue", seat.name), ("sample", desk.address)):
        if st.query_params.get(name, "") != value:
            put_in_address(name, value)
