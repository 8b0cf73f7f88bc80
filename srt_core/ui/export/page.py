"""The Export screen: choose a scope and a format, see what will be written, write it, download it."""

from pathlib import Path

import streamlit as st

from srt_core.export.contents import EVERYTHING, Contents, PreviewPair, Scope, counts, preview
from srt_core.export.export import export
from srt_core.export.files import Written
from srt_core.export.formats import FORMATS
from srt_core.export.lines import Conversations, has_conversations
from srt_core.export.prompts import describe_prompts
from srt_core.people.allowed import exports_folder
from srt_core.project.candidates import count_samples
from srt_core.project.diff import plain_html
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.filter.filter import is_empty
from srt_core.select.policy import applied_policy
from srt_core.ui.frame.filters import describe_filter, filter_from_address, write_filter
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import curator, reporting, show_empty
from srt_core.ui.frame.words import ACTION_LABELS, ORIGIN_LABELS
from srt_core.ui.sample.long_texts import offer_whole
from srt_core.ui.sample.texts import context_html
from srt_core.ui.server.identity import may_own, require_owner
from srt_core.ui.server.permission import allowed
from srt_core.ui.server.runtime import Project

_SCOPE_LABELS = {
    Scope.VERDICTS: "Verdicts: decisions, else the rule",
    Scope.WITH_PARKED: "The same, and the rule's pick of what is parked",
    Scope.APPROVED: "Approved by a person only",
}
_LINE_LABELS = {
    Conversations.APART: "One sample, in its context",
    Conversations.JOINED: "One conversation",
}


def render_export(project: Project) -> None:
    """Draw the whole screen."""
    store = project.store
    if not count_samples(store):
        show_empty("There is nothing to export yet. Import a file first.", "pages/1_Import.py", "Import a file")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        format, contents = _choose(store)
    found = counts(store, contents.scope, contents.only)
    with right:
        _draw_counts(project, contents.scope, found)
    _draw_preview(preview(store, contents.scope, contents.only))
    _draw_write(project, format, contents, found["total"]["pairs"])


def _choose(store: Store) -> tuple[str, Contents]:
    scope = st.radio(
        "Which samples", list(Scope), format_func=_SCOPE_LABELS.__getitem__, key="scope", bind="query-params"
    )
    with reporting(stop=True):
        only = filter_from_address()
    if not is_empty(only):
        with st.container(border=True):
            st.markdown("Only the samples of the filter from Explore:")
            st.text(describe_filter(only))
            st.button("Take all samples", icon=":material/filter_alt_off:", on_click=write_filter, args=(EVERYTHING,))
    format = st.radio(
        "Format",
        list(FORMATS),
        format_func=lambda name: FORMATS[name].label,
        key="format",
        captions=[format.help for format in FORMATS.values()],
        bind="query-params",
    )
    format = format or "alpaca"
    return format, Contents(Scope(scope or Scope.VERDICTS), only, _choose_line(store, format))


def _choose_line(store: Store, format: str) -> Conversations:
    """Offer to join conversations, where the project has some and the format can say what is trained on."""
    if not FORMATS[format].joins or not has_conversations(store):
        return Conversations.APART
    chosen = st.radio(
        "A line is",
        list(Conversations),
        format_func=_LINE_LABELS.__getitem__,
        key="conversations",
        captions=[
            "Only the last answer is trained on.",
            "Every answer that is kept is trained on. Left out: conversations in which a kept rewrite stands before "
            "another kept exchange.",
        ],
        bind="query-params",
    )
    return Conversations(chosen or Conversations.APART)


def _draw_counts(project: Project, scope: Scope, found: dict[str, dict[str, int]]) -> None:
    total, parked = found["total"]["pairs"], found["total"]["parked"]
    st.metric("Pairs to be written", f"{total:,}")
    if parked and scope is Scope.VERDICTS:
        st.page_link("pages/4_Explore.py", label=f"{parked:,} that the rule keeps are parked, and left out",
                     icon=":material/pause_circle:", query_params=address(state="parked", reason="kept"))  # fmt: skip
    rows = [
        {"what": f"Origin: {ORIGIN_LABELS[Origin(name)]}", "pairs": number}
        for name, number in found["by_origin"].items()
    ]
    labels = {str(action): label for action, label in ACTION_LABELS.items()}
    rows += [
        {"what": labels.get(name, "By the rule, nobody decided"), "pairs": number}
        for name, number in found["by_decision"].items()
    ]
    if rows:
        st.dataframe(rows, hide_index=True, column_config={"what": "Of these", "pairs": "Pairs"})
    st.caption("The policy in use, as it will stand in the manifest:")
    st.text(applied_policy(project.store).name)


def _draw_preview(rows: list[PreviewPair]) -> None:
    st.subheader("The first rows")
    if not rows:
        st.markdown("No sample is in this scope. Approve some in Review, or choose another scope.")
        return
    texts = [text for row in rows for text in (row.pair.instruction, row.pair.input, row.pair.response)]
    said = [message["content"] for row in rows for message in row.pair.context.messages]
    most = offer_whole("preview", *texts, *said)
    for column, row in zip(st.columns(len(rows)), rows, strict=True):
        with column, st.container(border=True):
            st.markdown(f"Sample {row.seq} · {ORIGIN_LABELS[row.origin]}")
            if context := context_html(row.pair.context, most):
                st.html(context)
            for part in ("instruction", "input", "response"):
                if text := getattr(row.pair, part):
                    st.caption(part.capitalize())
                    with st.container(height=110 if part != "response" else 220, border=False):
                        st.html(plain_html(text, most))


def _draw_write(project: Project, format: str, contents: Contents, pairs: int) -> None:
    st.subheader("Write")
    folder = _choose_folder(project)
    force = st.checkbox("Also replace files there that srt did not write", key="force")
    if said := describe_prompts(project.store, format):
        st.text(said)
    lists_pairs = FORMATS[format].source.holds_texts
    label = f"Write {pairs:,} pairs" if lists_pairs else "Write every score"
    nothing = lists_pairs and not pairs
    if st.button(label, type="primary", icon=":material/download:", disabled=nothing or not may_own()):
        with reporting(), st.spinner("Writing, then reading back"):
            require_owner()
            allowed().require_export(folder)
            st.session_state["exported"] = export(
                project.store, Path(folder).expanduser(), [format], contents, by=curator(), force=force
            )
    if written := st.session_state.get("exported"):
        _draw_written(written.files[0])


def _choose_folder(project: Project) -> str:
    """Ask an owner for the folder: beside the app on one's own machine, beside the projects on a server."""
    if not may_own():
        return ""
    first = Path("exports") if allowed().listed is None else exports_folder()
    return str(st.text_input("Folder on this machine", value=str(first / project.name), key="folder"))


def _draw_written(written: Written) -> None:
    with st.container(border=True):
        st.markdown(f":material/check_circle: **{written.rows:,} rows written and read back the same**")
        for said in written.described():
            st.markdown(f":material/warning: {said}")
        st.code(f"{written.path}\nsha256 {written.sha256}", language=None, wrap_lines=True)
        if written.path.is_file():
            manifest = written.path.with_name("manifest.json")
            with st.container(horizontal=True):
                st.download_button("Download", data=written.path.read_bytes, file_name=written.path.name,
                                   icon=":material/download:", on_click="ignore")  # fmt: skip
                st.download_button("Download the manifest", data=manifest.read_bytes, file_name="manifest.json",
                                   icon=":material/description:", on_click="ignore")  # fmt: skip
