"""The desk of a blind audit: a drawn sample's versions, unnamed and shuffled, each marked or not as fit to train on.

Nothing is pre-selected, and nothing that could tell the versions apart is on the page: no scores, pick, critique,
difference or history. What was painted is what is recorded. Where a reading contradicts the decision that stands, the
reader is asked afterwards which of the two does.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from srt_core.project.diff import plain_html
from srt_core.records import Candidate
from srt_core.review import queues as review
from srt_core.review.trust import blind
from srt_core.review.trust.audits import Audit
from srt_core.review.trust.blind import Marks, Question
from srt_core.ui.frame.page import curator
from srt_core.ui.frame.words import ORIGIN_LABELS, markdown
from srt_core.ui.review.actions import button
from srt_core.ui.review.desk import Desk, View
from srt_core.ui.sample.summary import Sample
from srt_core.ui.sample.texts import PARTS, context_html, describe_event, labelled

KEYS = {
    "1 2 3 4": "Mark a version: it may be trained on; once more takes the mark away",
    "A": "Mark all versions",
    "X": "Mark none: no version may be trained on",
    "B": "Say which marked version is the best, or none of them; it is up to you",
    "Enter": "Done: store the reading and go on",
    "Backspace": "Undo your last reading and read its sample again",
    "← →": "Move in the audit. What you pass over stays unread and counts as wrong in the bound",
    "H": "Open or close this list",
}
_NOTHING_YET = "Nothing is marked yet: mark the versions that may be trained on, or press X where none may."
_GRID = "display:grid;column-gap:1.5rem;row-gap:0.75rem;align-items:start;font-size:0.95rem;line-height:1.5"


def render_blind(view: View, audit: Audit, sample: Sample) -> None:
    """Draw a drawn sample to be read blind, or the question that its reading left."""
    if view.desk.question and view.desk.question.sample == view.sample:
        _render_question(view, view.desk.question, sample)
        return
    versions = {each.candidate_id: each for each in sample.walked.values()}
    shown = blind.shuffled(audit, view.sample, curator(), list(versions))
    marks = view.desk.marks if view.desk.marks and view.desk.marks.shown == shown else None
    st.caption("Which of these versions may be trained on? They are unnamed and in random order.")
    actions = st.container()
    names = [f"Version {place}" for place in range(1, len(shown) + 1)]
    st.html(_versions_html([versions[key] for key in shown], names))
    with actions:  # last of all: a key is live only once everything that it decides on is on screen
        _render_actions(view, audit, shown, marks)
        render_blind_help(view.desk)


def render_blind_help(desk: Desk) -> None:
    """List the keys, where the list is open."""
    if desk.is_help_open:
        with st.container(border=True):
            st.markdown("\n".join(f"- `{keys}` {meaning}" for keys, meaning in KEYS.items()))


def _versions_html(versions: Sequence[Candidate], names: Sequence[str]) -> str:
    """Return the versions side by side under our names for them, as one escaped block: all in one colour."""
    edge = "border-top:3px solid currentColor;padding-top:0.25rem"
    heads = [f'<div style="{edge}"><b>{name}</b></div>' for name in names]
    cells = [
        labelled(label, plain_html(getattr(each.pair, part)))
        for part, label in PARTS.items()
        if part != "input" or any(each.pair.input for each in versions)
        for each in versions
    ]
    columns = f"grid-template-columns:repeat({len(versions)},minmax(0,1fr));"
    grid = f'<div style="{columns}{_GRID}">{"".join(heads + cells)}</div>'
    return f"{context_html(versions[0].pair.context)}{grid}"


def _render_actions(view: View, audit: Audit, shown: tuple[int, ...], marks: Marks | None) -> None:
    marked = marks.marked if marks else ()
    with st.container(horizontal=True, gap="small"):
        for place, version in enumerate(shown, start=1):
            best = " (best)" if marks and marks.best == version else ""
            state = f"may be trained on{best}" if version in marked else "may not" if marks else "not marked"
            button(view, f"mark:{place}", f"{place}: {state}", str(place), view.on(_toggle, view, shown, version),
                   type="primary" if version in marked else "secondary")  # fmt: skip
        button(view, "mark_all", "All may be", "A", view.on(_mark, view, Marks(shown, shown)))
        button(view, "mark_none", "None may be", "X", view.on(_mark, view, Marks(shown, ())))
        button(view, "best", "Best", "B", view.on(_turn_best, view, shown), disabled=len(marked) < 2)  # noqa: PLR2004
        button(view, "done", "Done", "Enter", view.on(_finish, view, audit), type="primary")
        last = blind.last_reading(view.desk.store, audit, curator())
        button(view, "undo", "Undo", "Backspace", view.on(_undo, view, last), disabled=last is None)
        button(view, "back", "Back", "ArrowLeft", view.on(view.move_back))
        button(view, "next", "Next", "ArrowRight", view.on(view.move_on))
        button(view, "help", "Help", "H", view.on(view.turn_help))
    if view.desk.said:
        st.text(view.desk.said)


def _mark(view: View, marks: Marks) -> None:
    view.desk.marks, view.desk.said = marks, ""


def _toggle(view: View, shown: tuple[int, ...], version: int) -> None:
    marked = set(view.desk.marks.marked if view.desk.marks else ()) ^ {version}
    best = view.desk.marks.best if view.desk.marks else None
    kept = tuple(each for each in shown if each in marked)
    _mark(view, Marks(shown, kept, best if best in marked else None))


def _turn_best(view: View, shown: tuple[int, ...]) -> None:
    """Go to the next marked version as the best, after the last one to none."""
    if view.desk.marks:
        marked = view.desk.marks.marked
        following = [*marked, None]
        place = following.index(view.desk.marks.best)
        _mark(view, Marks(shown, marked, following[(place + 1) % len(following)]))


def _finish(view: View, audit: Audit) -> None:
    desk = view.desk
    if desk.marks is None:
        desk.said = _NOTHING_YET
        return
    blind.read(desk.store, audit, view.sample, desk.marks, curator())
    asked = blind.question(desk.store, view.sample)
    if asked is None:
        _go_on(view)
    else:
        desk.question = asked


def _go_on(view: View) -> None:
    view.desk.go(review.next_open(view.desk.store, view.queue, view.sample))


def _undo(view: View, event_id: int) -> None:
    view.desk.go(blind.undo_reading(view.desk.store, event_id, curator()))


def _render_question(view: View, asked: Question, sample: Sample) -> None:
    """Ask which stands, the reading or the decision; by now the versions have their names."""
    names = {each.candidate_id: f"{ORIGIN_LABELS[origin]}" for origin, each in sample.walked.items()}
    decided = describe_event(asked.action, asked.origin)
    marked = ", ".join(_named(names, key) for key in asked.marks.marked) or "no version"
    with st.container(border=True):
        st.markdown("**Your reading and the decision that stands differ. Which of them stands?**")
        st.text(f"You marked: {marked}. Decided before: {decided}, by {asked.author}.")
        with st.container(horizontal=True):
            button(view, "keep_decision", f"The decision stands: {decided}", "D",
                   view.on(_keep_decision, view, asked))  # fmt: skip
            for place, version in enumerate(asked.marks.marked, start=1):
                button(view, f"keep_reading:{place}", f"My reading stands: keep {_named(names, version)}", str(place),
                       view.on(_keep_reading, view, asked, version))  # fmt: skip
            if not asked.marks.marked:
                button(view, "keep_reading:0", "My reading stands: leave out", "X",
                       view.on(_keep_reading, view, asked, None))  # fmt: skip
            button(view, "ask_later", "Decide later", "ArrowRight", view.on(_go_on, view))
        st.caption("Until you say, the decision is what is exported, and your reading is what counts as evidence.")
    st.html(_versions_html(list(sample.walked.values()), [ORIGIN_LABELS[origin] for origin in sample.walked]))


def _named(names: Mapping[int, str], version: int) -> str:
    return markdown(names.get(version, f"version {version}"))


def _keep_decision(view: View, asked: Question) -> None:
    blind.keep_decision(view.desk.store, asked, curator())
    _go_on(view)


def _keep_reading(view: View, asked: Question, version: int | None) -> None:
    blind.keep_reading(view.desk.store, asked, version, curator())
    _go_on(view)
