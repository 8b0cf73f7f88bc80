"""What was imported before, how to take it back, and the rows that could not be used."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from srt_core.importing.imports import Import, imports
from srt_core.importing.rejects import rejects, rejects_by_reason, write_rejects
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.ui.frame.page import reporting
from srt_core.ui.server.identity import may_own, visitor
from srt_core.ui.server.runtime import Project

PAGE_ROWS = 50
WHOLE = st.column_config.NumberColumn(format="localized")


def draw_imports(project: Project) -> None:
    """List the imported files, the newest first."""
    st.subheader("Imported so far", anchor=False)
    found = imports(project.store)
    if not found:
        st.markdown("Nothing yet. Choose a file above: you see what comes out of it before anything is stored.")
        return
    st.dataframe(
        [
            {
                "Number": each.import_id,
                "File": Path(each.path).name,
                "Format": each.format,
                "Rows taken": each.taken,
                "Rows rejected": each.rejected,
                "State": _state(each),
                "When (UTC)": each.made_at,
            }
            for each in found
        ],
        hide_index=True,
        column_config=dict.fromkeys(("Rows taken", "Rows rejected"), WHOLE),
        alt="The imported files with the rows taken and rejected.",
    )
    _draw_one(project, found)


def _state(each: Import) -> str:
    if each.is_undone:
        return "taken back"
    return "complete" if each.finished else "not finished: import it again to go on"


def _draw_one(project: Project, found: Sequence[Import]) -> None:
    """Tell what came of the columns of one import, and let an owner take it back."""
    if said := st.session_state.pop("undone_import", None):
        st.text(said)
    newest = found[0]
    if newest.account and newest.account.lines() and not newest.is_undone:
        st.text(f"Of {Path(newest.path).name}, the latest:")
        for line in newest.account.lines():
            st.text(line)
    with st.expander("What came of each, and how to take it back", icon=":material/undo:"):
        by_number = {each.import_id: each for each in found}
        number = st.selectbox(
            "Import",
            list(by_number),
            format_func=lambda key: f"{key} · {Path(by_number[key].path).name}",
            key="shown_import",
        )
        chosen = by_number[number]
        for line in chosen.account.lines() if chosen.account else ():
            st.text(line)
        st.markdown("Taking it back removes its samples, but for those that somebody decided or that anything uses.")
        if not st.button("Take it back", key="undo_import", disabled=not may_own() or chosen.is_undone):
            return
        with reporting():
            undone = project.take_back(number, visitor().person.name)
            kept = "".join(f" {count:,} kept: {why}." for why, count in undone.kept.items())
            st.session_state["undone_import"] = f"{counted(undone.removed, 'sample')} removed.{kept}"
            st.rerun()


def draw_rejects(store: Store) -> None:
    """Show the rejected rows: how many for each reason, then one page of them with line and text."""
    by_reason = rejects_by_reason(store)
    if not by_reason:
        return
    st.subheader("Rejected rows", anchor=False)
    st.markdown(
        "Correct them in the file and import it again, or take them as a file of their own, mend the records there and "
        "import that: what comes mended clears."
    )
    st.dataframe(
        [{"Reason": reason, "Rows": rejected} for reason, rejected in by_reason.items()],
        hide_index=True,
        column_config={"Rows": WHOLE},
        alt="Rejected rows counted by reason.",
    )
    total = sum(by_reason.values())
    pages = -(-total // PAGE_ROWS)
    page = st.pagination(pages, key=f"rejects_page_{pages}") if pages > 1 else 1
    st.dataframe(
        [
            {
                "File": Path(row.path).name,
                "Row": row.row,
                "Line": row.line,
                "Lines": row.lines,
                "Reason": f"{row.reason} {row.detail}".strip(),
                "Text": row.raw,
            }
            for row in rejects(store, PAGE_ROWS, (page - 1) * PAGE_ROWS)
        ],
        hide_index=True,
        alt="Rejected rows with line, reason and text.",
    )
    st.download_button("Rejected rows as a file", data=lambda: _rejects_file(store), file_name="rejects.jsonl")


def _rejects_file(store: Store) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rejects.jsonl"
        write_rejects(store, path)
        return path.read_bytes()
