"""The file to import: an uploaded one, kept on disk until it is imported, or one that is on the server already."""

import re
import time
from pathlib import Path

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from srt_core.errors import DatasetError
from srt_core.people.settings import projects_folder
from srt_core.ui.server.identity import may_own

KEPT_SECONDS = 7 * 24 * 3600
NAME_CHARACTERS = 80

UPLOAD, ON_SERVER = "Upload a file", "A file on this server"


def uploads_folder() -> Path:
    """Return the folder of uploaded files."""
    return projects_folder() / "uploads"


def choose_file() -> str | None:
    """Let the person choose a file; None while there is none. DatasetError if an upload cannot be kept."""
    way = st.segmented_control("Where is the file?", [UPLOAD, ON_SERVER], default=UPLOAD, required=True, key="file_way")
    number = st.session_state.setdefault("file_number", 0)  # another key is another, empty widget
    if way == ON_SERVER:
        path = st.text_input("Path on this server", key=f"path_{number}",
                             disabled=not may_own(), placeholder="/data/pairs.jsonl",
                             help="A file, a folder or a pattern. For large files: nothing is copied.")  # fmt: skip
        return path.strip() if may_own() and path and path.strip() else None
    file = st.file_uploader(
        "JSON, JSON Lines, CSV, Parquet or Arrow; packed ones too", key=f"upload_{number}", disabled=not may_own()
    )
    return str(keep_upload(file)) if file else None


def forget_file() -> None:
    """Empty the choice: its file is being imported."""
    number = st.session_state.get("file_number", 0)
    if file := st.session_state.get(f"upload_{number}"):
        _free(file)
    st.session_state["file_number"] = number + 1


def _free(file: UploadedFile) -> None:
    """Drop what Streamlit holds of an upload in memory: it would do so at the end of the session alone."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def keep_upload(file: UploadedFile) -> Path:
    """Write an uploaded file under the projects' folder, once, by a name that is safe there."""
    path = uploads_folder() / safe_name(file.file_id) / safe_name(file.name)
    try:
        if not path.exists():
            _remove_old(uploads_folder())
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(path.name + ".part")
            draft.write_bytes(file.getbuffer())
            draft.replace(path)
    except OSError as error:
        raise DatasetError(f"The file cannot be kept on the server: {error.strerror}.", "Free space there.") from error
    return path


def safe_name(name: str) -> str:
    """Reduce a name to letters, digits, spaces, dots, - and _, its last 80 characters, never hidden and never empty."""
    return re.sub(r"[^\w. -]", "_", name)[-NAME_CHARACTERS:].strip(". ") or "file"


def _remove_old(folder: Path) -> None:
    """Remove files that were uploaded long ago and never imported."""
    for path in folder.glob("*/*"):
        if path.stat().st_mtime < time.time() - KEPT_SECONDS:
            path.unlink(missing_ok=True)
