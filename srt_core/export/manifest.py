"""The manifest of a folder: how it came to be, and what each file in it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from srt_core import __version__
from srt_core.export.before import Before
from srt_core.export.contents import counts
from srt_core.export.exporting import Export
from srt_core.export.files import Exported, Written, sha256_of
from srt_core.export.formats.writing import replacing
from srt_core.export.scored import short_name
from srt_core.export.written import MANIFEST
from srt_core.project.store import Row, Store
from srt_core.records import Origin
from srt_core.review.filter.filter import as_json
from srt_core.review.status import status
from srt_core.select.policy import applied_policy, settings_of


def manifest_of(store: Store, export: Export, exported: Exported, licence: str) -> dict[str, Any]:
    """Return what a manifest says, without the files beside the data."""
    contents, before = export.contents, exported.before
    return {
        "project": store.path.name,
        "export": exported.export_id,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "sha256": exported.sha256,
        "licence": licence,
        "formats": list(exported.formats),
        "scope": str(contents.scope),
        "filter": as_json(contents.only),
        "conversations": str(contents.conversations),
        "rows": exported.rows,
        "validation": {"share": contents.validation, "rows": export.lines - export.trained},
        "counts": counts(store, contents.scope, contents.only),
        "before": _before(before) if before else None,
        "all_samples_by_reason": status(store)["selected"]["by_reason"],
        "policy": settings_of(applied_policy(store)),
        "student": _student(store),
        "teachers": _teachers(store, exported.export_id if exported.holds_texts else None),
        "files": {each.path.name: entry_of(each) for each in exported.files},
    }


def _before(before: Before) -> dict[str, Any]:
    return {**asdict(before), "tokenizer": before.tokenizer and short_name(before.tokenizer)}


def write_manifest(folder: Path, manifest: Mapping[str, Any], paths: Sequence[Path]) -> None:
    """Write the manifest, with the hashes of the files that stand beside the data."""
    beside = {path.name: {"sha256": sha256_of(path)} for path in paths}
    whole = {**manifest, "files": {**manifest["files"], **beside}}
    with replacing(folder / MANIFEST) as file:
        file.write(f"{json.dumps(whole, indent=2, ensure_ascii=False)}\n".encode())


def entry_of(written: Written) -> dict[str, Any]:
    """Return what a manifest says of a file of data."""
    return {
        "format": written.format,
        "split": str(written.split),
        "rows": written.rows,
        "sha256": written.sha256,
        "left_out": dict(written.left_out),
    }


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
    return {**rows[0], "student": short_name(rows[0]["student"])} if rows else None
