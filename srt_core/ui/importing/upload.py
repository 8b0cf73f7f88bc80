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
from srt_core.ui.server.uploads import most_bytes

KEPT_SECONDS = 7 * 24 * 3600
MOST_KEPT, MOST_KEPT_BYTES = 100, 20 * 2**30
UPLOADS = "uploads"
NAME_CHARACTERS = 80

UPLOAD, ON_SERVER = "Upload a file", "A file on this server"


def uploads_folder() -> Path:
    """Return the folder of uploaded files."""
    return projects_folder() / UPLOADS


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
        "JSON, JSON Lines, CSV, Parquet or Arrow; packed ones too",
        key=f"upload_{number}",
        disabled=not may_own(),
        help=f"All that are chosen in this app at once may have {most_bytes() / 2**20:,.0f} MB together. A file "
        "that is marked red was refused for its size: import or remove others first, or give its path here.",
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
    draft = path.with_name(path.name + ".part")
    try:
        if not path.exists():
            _remove_old(uploads_folder())
            _require_room(uploads_folder(), file.size)
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(file.getbuffer())
            draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DatasetError(f"The file cannot be kept on the server: {error.strerror}.", "Free space there.") from error
    return path


def safe_name(name: str) -> str:
    """Reduce a name to letters, digits, spaces, dots, - and _, its last 80 characters, never hidden and never empty."""
    return re.sub(r"[^\w. -]", "_", name)[-NAME_CHARACTERS:].strip(". ") or "file"


def _require_room(folder: Path, size: int) -> None:
    """Raise DatasetError where too many files that nobody imported are kept already, or too large ones."""
    sizes = [path.stat().st_size for path in folder.glob("*/*")]
    if len(sizes) >= MOST_KEPT or sum(sizes) + size > MOST_KEPT_BYTES:
        raise DatasetError(
            f"The server keeps {len(sizes)} uploaded files of {sum(sizes) / 2**30:,.1f} GB that nobody imported; "
            f"{MOST_KEPT} of {MOST_KEPT_BYTES / 2**30:,.0f} GB are the most.",
            f"Import them; what is not imported goes after {KEPT_SECONDS // 86_400} days, or delete it in "
            f"the folder {UPLOADS} beside the projects.",
        )


def _remove_old(folder: Path) -> None:
    """Remove files that were uploaded long ago and never imported."""
    for path in folder.glob("*/*"):
        if path.stat().st_mtime < time.time() - KEPT_SECONDS:
            path.unlink(missing_ok=True)
