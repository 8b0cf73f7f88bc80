"""The manifest of a folder: how each file in it came to be."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export.contents import Contents, counts
from srt_core.export.files import Exported, sha256_of
from srt_core.export.formats import FORMATS, Format
from srt_core.export.formats.writing import replacing
from srt_core.project.store import Row, Store
from srt_core.records import Origin
from srt_core.review.filter.filter import as_json
from srt_core.review.status import status
from srt_core.select.policy import applied_policy, settings_of


def write_manifest(
    store: Store, folder: Path, export_id: int, format: Format, contents: Contents, written: Exported
) -> None:
    """Write the folder's manifest: how this file came to be; other files of the folder keep their entry."""
    path = folder / "manifest.json"
    entry = {
        "project": store.path.name,
        "format": format.name,
        **({"scope": "every candidate"} if format.fields is None else _taken(store, contents, written)),
        "rows": written.rows,
        "sha256": written.sha256,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "all_samples_by_reason": status(store)["selected"]["by_reason"],
        "policy": settings_of(applied_policy(store)),
        "student": _student(store),
        "teachers": _teachers(store, None if format.fields is None else export_id),
    }
    files = {**_manifest_entries(path), written.path.name: entry}
    text = json.dumps({"files": files}, indent=2, ensure_ascii=False)
    with replacing(path) as file:
        file.write(f"{text}\n".encode())


def check_ours(folder: Path, name: str) -> None:
    """ExportError where an export would replace a file that this program did not write, or that was changed since."""
    path, manifest = folder / name, folder / "manifest.json"
    entries = _manifest_entries(manifest)
    if os.path.lexists(path) and name not in entries:
        raise _not_ours(path)
    if os.path.lexists(manifest) and not entries and not _is_manifest(manifest):
        raise _not_ours(manifest)


def _not_ours(path: Path) -> ExportError:
    return ExportError(
        f"{path} is there, and is no file that srt wrote, or was changed since.",
        "Choose another folder, move it away, or say that it is to be replaced (--force).",
    )


def _is_manifest(path: Path) -> bool:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and isinstance(found.get("files"), dict)


def _taken(store: Store, contents: Contents, written: Exported) -> dict[str, Any]:
    """Say which samples a file of pairs holds."""
    return {
        "scope": str(contents.scope),
        "filter": as_json(contents.only),
        "conversations": str(contents.conversations),
        "counts": counts(store, contents.scope, contents.only),
        "left_out": dict(written.left_out),
    }


def _manifest_entries(path: Path) -> dict[str, Any]:
    """Return the entries of a manifest that is there already, for files that still are what it says."""
    try:
        files: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {
            name: files[name]
            for name in (format.file for format in FORMATS.values())
            if name in files
            and (path.parent / name).is_file()
            and sha256_of(path.parent / name) == files[name]["sha256"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _teachers(store: Store, export_id: int | None) -> list[str]:
    """Name who made the rewrites whose text is in an exported file, also as somebody edited it; None: all there are.

    The instruction of a rewrite of both is that of its parent.
    """
    texts = "FROM candidate" if export_id is None else _IN_FILE
    values = {} if export_id is None else {"export": export_id}
    rows = store.rows(
        f"""WITH held AS (SELECT candidate_id, parent_id, origin, producer {texts})
            SELECT producer FROM (
                SELECT origin, producer FROM held UNION
                SELECT parent.origin, parent.producer
                FROM held JOIN candidate AS parent ON parent.candidate_id = held.parent_id)
            WHERE origin <> '{Origin.ORIGINAL}' GROUP BY producer ORDER BY producer""",
        values,
    )
    return [row["producer"] for row in rows]


_IN_FILE = """FROM candidate WHERE candidate_id IN (
    SELECT coalesce(exported.candidate_id, event.candidate_id)
    FROM exported LEFT JOIN event ON event.event_id = exported.edit_id WHERE export_id = $export)"""


def _student(store: Store) -> Row | None:
    rows = store.rows(
        """SELECT student, fingerprint, dtype, template, template_hash, convention, max_length FROM scoring
           WHERE scoring_id = (FROM scoring_in_use)"""
    )
    return rows[0] if rows else None
