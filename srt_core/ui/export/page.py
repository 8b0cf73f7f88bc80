"""The Export screen: write at the top, then what is in it and what is not, what changed, and what went out before."""

from pathlib import Path

import streamlit as st

from srt_core.export.contents import PreviewPair, Scope, counts, preview
from srt_core.export.export import export
from srt_core.export.files import Exported
from srt_core.people.allowed import exports_folder
from srt_core.project.candidates import count_samples
from srt_core.project.diff import plain_html
from srt_core.records import counted
from srt_core.ui.export.choices import Choices, choose
from srt_core.ui.export.holds import draw_concerns, draw_difference, draw_held, draw_not_held
from srt_core.ui.export.past import draw_past
from srt_core.ui.frame.page import curator, reporting, show_empty
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.sample.long_texts import offer_whole
from srt_core.ui.sample.texts import context_html
from srt_core.ui.server.identity import may_own, require_owner
from srt_core.ui.server.permission import allowed
from srt_core.ui.server.runtime import Project

_MOST_DOWNLOADS = 12


def render_export(project: Project) -> None:
    """Draw the whole screen."""
    store = project.store
    if not count_samples(store):
        show_empty("There is nothing to export yet. Import a file first.", "pages/1_Import.py", "Import a file")
        return
    said = st.empty()
    with st.container(border=True):
        write = st.container()
        chosen = choose(store)
    contents = chosen.contents
    found = counts(store, contents.scope, contents.only)
    total, parked, retracted = (found["total"][name] for name in ("pairs", "parked", "retracted"))
    said.markdown(_sentence(chosen, total, parked))
    with write:
        _draw_write(project, chosen, total)
    left, right = st.columns(2, gap="large")
    with left:
        draw_held(found)
    with right:
        draw_not_held(store, chosen, parked, retracted)
        concerns = st.container()
    draw_difference(store, chosen)
    _draw_preview(preview(store, contents.scope, contents.only))
    draw_past(project)
    with concerns:  # last: it reads every text
        draw_concerns(store, chosen, total)


def _sentence(chosen: Choices, total: int, parked: int) -> str:
    if not total:
        return "Nothing would be written: no sample is in this choice. Keep some in Review, or choose other samples."
    left = f", {parked:,} parked are left out" if parked and chosen.contents.scope is Scope.VERDICTS else ""
    return f"{counted(total, 'pair| is|')} ready for training{left}."


def _draw_write(project: Project, chosen: Choices, pairs: int) -> None:
    is_allowed = may_own()
    place, button = st.columns([5, 2], vertical_alignment="bottom")
    with place:
        folder = _choose_folder(project) if is_allowed else ""
    with button:
        nothing = not chosen.formats or (chosen.holds_texts and not pairs)
        label = f"Write {counted(pairs, 'pair')}" if chosen.holds_texts else "Write every score"
        is_pressed = st.button(label, type="primary", icon=":material/download:", key="write", width="stretch",
                               disabled=nothing or not is_allowed)  # fmt: skip
    if not chosen.formats:
        st.markdown(":material/warning: Choose at least one format.")
    if is_pressed:
        with reporting(), st.spinner("Writing, then reading back"):
            require_owner()
            allowed().require_export(folder)
            st.session_state["exported"] = export(
                project.store, Path(folder).expanduser(), chosen.formats, chosen.contents, by=curator(),
                licence=chosen.licence, max_length=chosen.max_length, force=bool(st.session_state.get("force")),
            )  # fmt: skip
    if written := st.session_state.get("exported"):
        _draw_written(written)


def _choose_folder(project: Project) -> str:
    """Ask an owner for the folder: beside the project on one's own machine, beside all projects on a server."""
    beside = project.store.path.resolve().parent / "exports"
    first = beside if allowed().listed is None else exports_folder().resolve()
    return str(
        st.text_input(
            "Folder on this machine",
            value=str(first / project.name),
            key="folder",
            help="What srt wrote there before is replaced; any earlier export can be written again, on the command "
            "line: srt exports --again.",
        )
    )


def _draw_written(written: Exported) -> None:
    with st.container(border=True):
        st.markdown(f":material/check_circle: **{counted(written.rows, 'row')} written and read back the same**")
        st.code(f"{written.folder}\nsha256 of its data {written.sha256}", language=None, wrap_lines=True)
        for each in written.files:
            for said in each.described():
                st.text(f"{each.path.name}: {said}")
        with st.popover("Download its files", icon=":material/download:"):
            paths = [path for path in sorted(written.folder.iterdir()) if path.is_file()]
            for path in paths[:_MOST_DOWNLOADS]:
                st.download_button(path.name, data=path.read_bytes, file_name=path.name, key=f"download_{path.name}",
                                   type="tertiary", icon=":material/draft:", on_click="ignore")  # fmt: skip


def _draw_preview(rows: list[PreviewPair]) -> None:
    if not rows:
        return
    st.subheader("The first rows")
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
