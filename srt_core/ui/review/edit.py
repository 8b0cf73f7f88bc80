"""Editing in Review: the form on a pair, and repairing a failed reflection by hand."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from srt_core.records import DERIVATIONS, Candidate, Origin
from srt_core.reflect.outcomes import Failure
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.review.desk import Edit, View


def render_form(view: View, edit: Edit) -> None:
    """Show the pair in a form. Only a form hands over typed text together with its key; Ctrl+Enter saves as well."""
    start = view.desk.drafts.get(edit.key, edit.start)
    what = f"Repair: {ORIGIN_LABELS[edit.repairs]}" if edit.repairs else f"Edit: {ORIGIN_LABELS[edit.origin]}"
    with st.form(edit.key, border=True):
        st.markdown(f"**{what}**")
        st.text_area("Instruction", start.instruction, key=f"{edit.key}:instruction", height=110)
        st.text_area("Input", start.input, key=f"{edit.key}:input", height=80, placeholder="No input")
        st.text_area("Response", start.response, key=f"{edit.key}:response", height=260)
        with st.container(horizontal=True):
            st.form_submit_button(
                "Save and go on", key=view.key("save"), shortcut="Ctrl+S", type="primary", icon=":material/save:",
                on_click=view.on(view.save_edit, edit),
            )  # fmt: skip
            st.form_submit_button(
                "Leave", key=view.key("leave"), shortcut="Escape", help="The draft stays for when you come back.",
                on_click=view.on(view.leave_edit, edit),
            )  # fmt: skip
            st.form_submit_button("Discard draft", key=view.key("discard"), on_click=view.on(view.discard_draft, edit))


def render_failures(view: View, candidates: Mapping[Origin, Candidate], failures: Mapping[Origin, Failure]) -> None:
    """Show each failed reflection with the teacher's raw text, and offer to repair it by hand."""
    if not failures:
        st.caption("No reflection of this sample failed.")
    for origin, failure in failures.items():
        st.text(f"{ORIGIN_LABELS[origin]} · {failure.reason.replace('_', ' ')}: {failure.detail}")
        starts = _starts(view.sample, origin, candidates, failure.raw or "")
        with st.container(horizontal=True):
            for label, edit in starts.items():
                st.button(label, key=view.key(f"repair:{origin}:{label}"), icon=":material/build:",
                          on_click=view.on(view.start_edit, edit))  # fmt: skip
        if failure.raw:
            st.code(failure.raw, language=None, wrap_lines=True, height=260)


def _starts(sample: str, origin: Origin, candidates: Mapping[Origin, Candidate], raw: str) -> dict[str, Edit]:
    """Return the ways to begin a repair: the pair that was to be rewritten, with its own text or the raw reply's."""
    derivation = DERIVATIONS[origin]
    parent = derivation.parent if derivation.parent in candidates else Origin.ORIGINAL
    pair = candidates[parent].pair
    starts = {f"Repair from {ORIGIN_LABELS[parent].lower()}": Edit(sample, parent, pair, repairs=origin)}
    if raw.strip():
        taken = replace(pair, response=raw)
        starts["Repair from the raw reply"] = Edit(sample, parent, taken, repairs=origin, source="raw")
    return starts
