"""The samples that the limits would bring in, leave out or give another version, to read before applying."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from srt_core.project import candidates
from srt_core.project.store import Row, Store
from srt_core.records import Candidate, Origin, Policy, Selection
from srt_core.reflect.outcomes import failures
from srt_core.select.compare.whatif import Change, ChangedSample, Comparison, changes
from srt_core.select.derive import remembered
from srt_core.select.panel import COMPUTED_LATER
from srt_core.select.selection import candidates_taken
from srt_core.select.words import describe_walk
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.words import ORIGIN_LABELS, REASON_LABELS, in_sentence, markdown
from srt_core.ui.sample.texts import render_pair

PAGE_SAMPLES = 20
ROWS_IN_SIGHT = 4
BEGINNING = 200
"""Characters of a text in the table."""
_TITLES: dict[Change, str] = {"entering": "Come in", "leaving": "Go out", "switching": "Take another version"}


def render_changes(store: Store, policy: Policy, found: Comparison) -> None:
    """List the samples that change, one direction at a time, and show the one that is chosen whole."""
    if not found.changed:
        st.markdown("No sample would change. Move a limit at the left.")
        return
    there = [change for change in _TITLES if found.changes[change]]
    if st.session_state.get("thresholds_change") not in there:
        st.session_state["thresholds_change"] = there[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            "Direction", there, key="thresholds_change", required=True, label_visibility="collapsed",
            format_func=lambda name: f"{_TITLES[name]}: {found.changes[name]:,}",
        )  # fmt: skip
        change = chosen or there[0]
        pages = -(-found.changes[change] // PAGE_SAMPLES)
        place = st.pagination(pages, key=f"thresholds_page|{change}|{pages}") if pages > 1 else 1
    listed = remembered(changes, store, policy, change, PAGE_SAMPLES, (place - 1) * PAGE_SAMPLES)
    _draw_change(store, policy, listed[_choose(store, listed, f"{change}|{place}|{pages}")])


def _choose(store: Store, listed: Sequence[ChangedSample], view: str) -> int:
    """Draw the table and return the place of the row that is chosen: the first one where none is."""
    ids = [each.candidate_shown for each in listed]
    pairs = candidates.pairs(store, ids)
    picked = st.dataframe(
        [_row(each, pairs[each.candidate_shown].instruction) for each in listed],
        key=f"thresholds_changed_rows|{view}",
        hide_index=True,
        height=38 + 35 * min(ROWS_IN_SIGHT, len(listed)),
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "number": st.column_config.LinkColumn("No.", display_text=r"#(\d+)$", width=55,
                                                  help="Open the sample in Review."),
            "before": st.column_config.TextColumn("Before", width=130),
            "after": st.column_config.TextColumn("After", width=130),
            "decided": st.column_config.TextColumn("Reviewer", width=70, help="What a reviewer decided stays."),
            "text": st.column_config.TextColumn("Instruction", width="large"),
        },
        alt="Samples that would change, a row each",
    )  # fmt: skip
    rows = picked["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(listed) else 0


def _row(changed: ChangedSample, instruction: str) -> Row:
    return {
        "number": f"Review?{urlencode(address(sample=changed.sample_id))}#{changed.seq}",
        "before": _outcome(changed.before),
        "after": _outcome(changed.after),
        "decided": "decided" if changed.decided else "",
        "text": instruction[:BEGINNING],
    }


def _draw_change(store: Store, policy: Policy, changed: ChangedSample) -> None:
    name, old, new = changed.sample_id, changed.before, changed.after
    versions = candidates.candidates(store, name, candidates_taken(store, policy, name).values(), COMPUTED_LATER)
    before = _other_text(store, changed)
    said_before, said = _outcome(old), _outcome(new)
    if before and new.origin:
        said_before += f" by {markdown(before.producer)}"
        said += f" by {markdown(versions[new.origin].producer)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        decided = " · a reviewer decided it, so nothing changes" if changed.decided else ""
        st.markdown(f"**Sample {changed.seq:,}** · {said_before} → **{said}**{decided}", width="content")
        st.page_link("pages/6_Review.py", label="Open in Review", icon=":material/fact_check:",
                     query_params=address(sample=name))  # fmt: skip
    st.text(" ".join(describe_walk(new, versions, failures(store, name), policy)))
    origin = _in_question(changed)
    if before and origin:
        render_pair({**versions, origin: before}, origin, f"in use, by {before.producer}", "split")
    note = f"under these limits, by {versions[origin].producer}" if before and origin else ""
    render_pair(versions, origin if origin in versions else None, note, "split")


def _other_text(store: Store, changed: ChangedSample) -> Candidate | None:
    """Read the version in use where the one under the limits is of the same origin by another producer."""
    origin = changed.after.origin
    if origin is None or origin is not changed.before.origin or changed.candidate_before is None:
        return None
    return candidates.candidates(store, changed.sample_id, (changed.candidate_before,))[origin]


def _outcome(selection: Selection) -> str:
    origin = selection.origin
    return f"keep {ORIGIN_LABELS[origin]}" if origin else f"leave out ({in_sentence(REASON_LABELS[selection.reason])})"


def _in_question(changed: ChangedSample) -> Origin | None:
    """The rewrite that comes in or goes out; None where it is the original."""
    old, new = changed.before, changed.after
    changing = (new.origin, old.origin, new.winner, old.winner)
    return next((origin for origin in changing if origin and origin is not Origin.ORIGINAL), None)
