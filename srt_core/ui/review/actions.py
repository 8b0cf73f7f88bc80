"""The keys of Review, as buttons that show their key."""

from collections.abc import Callable, Sequence

import streamlit as st

from srt_core.records import Action, Origin
from srt_core.review.decisions import RecentDecision
from srt_core.ui.frame.words import ORIGIN_HELP, ORIGIN_LABELS, markdown
from srt_core.ui.review.desk import Edit, View
from srt_core.ui.sample.summary import Sample
from srt_core.ui.sample.texts import DIFF_MODES, describe_event

KEYS = {
    "A": "Agree with the rule: accept its pick, or leave the sample out where the rule does",
    "1 2 3 4": "Choose the original, the new response, the new instruction, or both",
    "E": "Edit the version on the right, or the original where there is no other. Ctrl+S saves and goes on, Esc leaves",
    "X": "Reject: leave the sample out",
    "Space": "Park: decide later",
    "Backspace": "Undo your last decision and show its sample",
    "← →": "Move in the queue, decided or not",
    "V": "Show the next version on the right",
    "D": "Show the difference in one text, in both, or not at all",
    "H": "Open or close this list",
}


def render_actions(view: View, sample: Sample, shown: Origin | None, last: Sequence[RecentDecision]) -> None:
    """Draw the buttons of a sample, the decisions first."""
    with st.container(horizontal=True, gap="small"):
        button(view, "accept", _accept_label(sample), "A", _accept(view, sample), type="primary")
        for place, origin in enumerate(Origin, start=1):
            picked = " ●" if sample.is_pick(origin) else ""
            button(
                view, f"choose:{origin}", ORIGIN_LABELS[origin] + picked, str(place),
                view.on(view.choose, origin, sample.candidate_id(origin), sample.pick_id),
                help=ORIGIN_HELP[origin], disabled=origin not in sample.candidates,
            )  # fmt: skip
        button(view, "reject", "Reject", "X", view.on(view.decide, Action.REJECT))
        button(view, "park", "Park", "Space", view.on(view.decide, Action.PARK))
        edited = shown or Origin.ORIGINAL
        edit = Edit(view.sample, edited, sample.candidates[edited].pair, candidate_id=sample.candidate_id(edited))
        button(view, "edit", "Edit", "E", view.on(view.start_edit, edit))
        _undo_button(view, last)
        button(view, "back", "Back", "ArrowLeft", view.on(view.move_back))
        button(view, "next", "Next", "ArrowRight", view.on(view.move_on))
        _show_button(view, sample, shown)
        following = DIFF_MODES[(DIFF_MODES.index(view.desk.diff) + 1) % len(DIFF_MODES)]
        button(view, "diff", f"Diff: {following}", "D", view.on(view.turn_diff))
        _help_button(view)


def render_done_actions(view: View, last: Sequence[RecentDecision]) -> None:
    """Draw the buttons that are left at the end of a queue."""
    with st.container(horizontal=True):
        _undo_button(view, last)
        _help_button(view)


def render_help(view: View) -> None:
    """List the keys, where the list is open. Not a dialog: the keys of a page behind one would still decide."""
    if view.desk.is_help_open:
        with st.container(border=True):
            st.markdown("\n".join(f"- `{keys}` {meaning}" for keys, meaning in KEYS.items()))


def render_last(view: View, last: Sequence[RecentDecision]) -> None:
    """List the person's last ten decisions; each opens its sample."""
    with st.container(gap=None):
        st.caption("Your last ten decisions" if last else "Your last ten decisions will stand here.")
        for decision in last:
            st.button(
                f"{decision.seq} · {describe_event(decision.action, decision.origin)}", key=f"last:{decision.event_id}",
                type="tertiary", on_click=view.on(view.desk.go, decision.sample_id),
            )  # fmt: skip


def _accept_label(sample: Sample) -> str:
    if not sample.pick:
        return "Accept: leave out"
    # The one text that is not on screen is the rule's pick where a decision for another producer's stands.
    hidden = "" if sample.is_pick(sample.pick) else f" by {markdown(sample.walked[sample.pick].producer)}"
    return f"Accept: {ORIGIN_LABELS[sample.pick]}{hidden}"


def _accept(view: View, sample: Sample) -> Callable[[], None]:
    if sample.pick:
        return view.on(view.decide, Action.APPROVE, sample.pick, sample.pick_id)
    return view.on(view.agree_to_leave_out)


def _undo_button(view: View, last: Sequence[RecentDecision]) -> None:
    event_id = last[0].event_id if last else None
    button(view, "undo", "Undo", "Backspace", view.on(view.undo, event_id), disabled=not last)


def _show_button(view: View, sample: Sample, shown: Origin | None) -> None:
    others = sample.rewrites
    following = others[(others.index(shown) + 1) % len(others)] if shown in others else None
    label = f"Show: {ORIGIN_LABELS[following]}" if following and len(others) > 1 else "Show other"
    button(view, "show", label, "V", view.on(view.show, following), disabled=len(others) < 2)


def _help_button(view: View) -> None:
    button(view, "help", "Help", "H", view.on(view.turn_help))


def button(view: View, name: str, label: str, shortcut: str, on_click: Callable[[], None], **more: object) -> None:
    """Draw a button of a view with its key."""
    st.button(label, key=view.key(name), shortcut=shortcut, on_click=on_click, wrap=False, **more)  # type: ignore[arg-type]
