"""What an export would hold and what not, what trainers would make of it, and what differs from the last one."""

from collections.abc import Mapping, Sequence

import streamlit as st

from srt_core.export.before import Before, Counted, look_before
from srt_core.export.contents import Scope
from srt_core.export.differences import Difference, compare_with_last
from srt_core.export.formats import FORMATS
from srt_core.export.past import past_exports
from srt_core.methods import REASONS
from srt_core.project.store import Store
from srt_core.records import ORIGIN_COLOURS, Origin, Reason
from srt_core.review.filter.address import filter_to_address
from srt_core.review.filter.facets import count
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.ui.export.choices import Choices
from srt_core.ui.frame.charts import count_bars
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import reporting
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, STUDENT_COLOUR
from srt_core.ui.frame.words import ACTION_LABELS, ORIGIN_LABELS, markdown

EXPLORE = "pages/4_Explore.py"
COUNTED_AT_ONCE = 5_000
"""Pairs whose tokens are counted without being asked: a second or two."""
LISTED = 30
_BY_RULE = "By the rule, nobody decided"


def draw_held(found: Mapping[str, Mapping[str, int]]) -> None:
    """Draw the pairs by version and by who decided, each bar with its share."""
    st.subheader("What is in it")
    total = found["total"]["pairs"]
    if not total:
        st.markdown("Nothing yet.")
        return
    versions = [(ORIGIN_LABELS[origin], found["by_origin"].get(origin, 0), ORIGIN_COLOURS[origin]) for origin in Origin]
    labels = {"none": _BY_RULE, **{str(action): label for action, label in ACTION_LABELS.items()}}
    decided = [(labels[name], number, NEUTRAL_COLOUR if name == "none" else STUDENT_COLOUR)
               for name, number in found["by_decision"].items()]  # fmt: skip
    for title, bars in (("Version", versions), ("Decision", decided)):
        if len(bars) == 1:
            st.caption(f"All of them: {bars[0][0].lower()}.")
            continue
        st.caption(f"Pairs by {title.lower()}")
        said = ", ".join(f"{name} {number:,}" for name, number, _ in bars)
        figure = count_bars(bars, total, height=16 + 30 * len(bars))
        figure.update_layout(margin_t=4)
        st.plotly_chart(figure, key=f"held_{title}",
                        alt=f"Pairs by {title.lower()}: {said}", config={"displayModeBar": False})  # fmt: skip


def draw_not_held(store: Store, chosen: Choices, parked: int, retracted: int) -> None:
    """List what is left out, each count with the samples behind it."""
    st.subheader("What is not")
    contents, only = chosen.contents, chosen.contents.only
    shown = False
    if parked and contents.scope is Scope.VERDICTS:
        shown = _link(parked, "parked, which the rule keeps", ":material/pause_circle:",
                      Filter(state=("parked",), reason=(Reason.KEPT,)))  # fmt: skip
    if retracted:
        shown = _link(retracted, "retracted: no export holds them", ":material/block:", Filter(state=("retracted",)))
    if is_empty(only):
        left_by_rule = tuple(reason for reason in REASONS if reason != Reason.KEPT)
        of_people = Filter(state=("rejected",))
        of_rule = Filter(state=("open",), reason=left_by_rule)
        parts = [(of_people, "left out by reviewers", ":material/person_off:"),
                 (of_rule, "left out by the rule", ":material/rule:")]  # fmt: skip
        if contents.scope is Scope.APPROVED:
            undecided = Filter(state=("open",), reason=(Reason.KEPT,))
            some = f", {parked:,} of them parked" if parked else ""
            parts.append((undecided, f"kept by the rule, which nobody decided{some}", ":material/hourglass_empty:"))
        for filter, label, icon in parts:
            if number := count(store, filter):
                shown = _link(number, label, icon, filter)
    else:
        st.markdown("Whatever the filter does not take.")
        shown = True
    if not shown:
        st.markdown("Every sample is in it.")


def _link(number: int, label: str, icon: str, only: Filter) -> bool:
    st.page_link(EXPLORE, label=f"{number:,} {label}", icon=icon, query_params=address(**filter_to_address(only)))
    return True


def draw_concerns(store: Store, chosen: Choices, total: int) -> None:
    """Say what may surprise whoever trains on it, with the first samples of each kind."""
    if not total or not chosen.holds_texts:
        return
    st.subheader("What to know before training")
    if total > COUNTED_AT_ONCE and not st.button(
        "Count tokens of all pairs", icon=":material/calculate:", help="Reads every text once: some minutes a million."
    ):
        st.markdown("Pairs that are too long, or hold special tokens, are counted on request, and when it is written.")
        return
    with reporting(), st.spinner("Counting tokens"):
        before = _look(store, chosen)
        _draw_before(store, before)


def _look(store: Store, chosen: Choices) -> Before:
    newest = store.value("SELECT max(event_id) FROM event")
    key = ("before", chosen.contents, chosen.formats, chosen.max_length, newest, store.meta("selection_key"))
    return store.remember(key, lambda: look_before(store, chosen.contents, chosen.formats, chosen.max_length))


def _draw_before(store: Store, before: Before) -> None:
    st.markdown(f"{before.trained:,} for training, {before.aside:,} put aside for validation.")
    found = [each for each in before.concerns if each.lines]
    numbers = _numbers(store, [sample for each in found for sample in each.samples])
    for each in found:
        _draw_counted(each, numbers)
    for name, reasons in before.left_out.items():
        for reason, number in reasons.items():
            st.markdown(f":material/warning: {FORMATS[name].label} leaves out {number:,}: {markdown(reason)}.")
    none = [each.label for each in before.concerns if not each.lines]
    if none:
        st.caption(f"None {'; none '.join(none)}.")
    if before.tokenizer:
        st.caption("Counted with the tokenizer of the student that scored.")
    if before.why:
        st.text(f"Nothing was counted in tokens: {before.why}")


def _draw_counted(each: Counted, numbers: Mapping[str, int]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/warning: **{each.lines:,}** {markdown(each.label)}", width="content",
                    help=markdown(each.said))  # fmt: skip
        for sample in each.samples:
            st.page_link(EXPLORE, label=f"#{numbers[sample]}", query_params=address(sample=sample))
        if each.lines > len(each.samples):
            st.caption("and more", width="content")


def _numbers(store: Store, samples: Sequence[str]) -> dict[str, int]:
    rows = store.rows("SELECT sample_id, seq FROM sample WHERE list_contains(?::VARCHAR[], sample_id)", [list(samples)])
    return {row["sample_id"]: row["seq"] for row in rows}


def draw_difference(store: Store, chosen: Choices) -> None:
    """Say what differs from the last export that held pairs, with the beginning of the texts."""
    st.subheader("Since the last export")
    held = [each for each in past_exports(store) if any(FORMATS[name].source.holds_texts for name in each.formats)]
    if not held:
        st.markdown("Nothing was exported yet.")
        return
    last = held[0]
    found = compare_with_last(store, last, chosen.contents, LISTED)
    st.markdown(f"{found.described()} The last one was written on {last.made_at:%Y-%m-%d at %H:%M} UTC.")
    if found:
        with st.expander("Which samples"):
            _draw_changes(store, found)


_KINDS = {"added": "Came", "left": "Left", "changed": "Another text"}


def _draw_changes(store: Store, found: Difference) -> None:
    listed = [(kind, each) for kind, changes in found.changes.items() for each in changes]
    numbers = _numbers(store, [each.sample_id for _, each in listed])
    rows = [{"No": numbers.get(each.sample_id), "What": _KINDS[kind], "Last export": each.before, "Now": each.after}
            for kind, each in listed]  # fmt: skip
    st.dataframe(rows, hide_index=True)
    more = found.added + found.left + found.changed - len(listed)
    if more > 0:
        st.caption(f"{more:,} more are not listed here; srt diff-exports lists all.")
