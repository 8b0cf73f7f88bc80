"""Export: the verdicts as files a trainer reads, checked by reading them back, with a manifest of their making."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export.formats.writing import ExportRow, write_jsonl, write_rows
from srt_core.importing.files import Reject, read_rows
from srt_core.project import events
from srt_core.project.store import Row, Store
from srt_core.records import Pair
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.status import status
from srt_core.review.verdicts import ROWS
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, settings_of

FILES = {
    "alpaca": "alpaca.json",
    "messages": "messages.jsonl",
    "parquet": "pairs.parquet",
    "scores": "scores.jsonl",
}
"""The file that each export format writes."""


EVERYTHING = Filter()


class Scope(StrEnum):
    """Which samples are exported."""

    VERDICTS = "verdicts"
    """The human decision where there is one, else the rule's selection."""
    APPROVED = "approved"
    """Only what a human approved, chose or edited."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One written and checked file."""

    path: Path
    rows: int
    sha256: str


# Edited pairs stand in the log, all others with their candidate.
_PAIRS = """
    SELECT verdict.seq, verdict.sample_id, verdict.verdict_origin AS origin, verdict.reason, verdict.action,
           coalesce(edit.instruction, candidate.instruction) AS instruction,
           coalesce(edit.input, candidate.input) AS input, coalesce(edit.response, candidate.response) AS response
    FROM {rows} AS verdict
    LEFT JOIN {candidates} AS candidate ON candidate.candidate_id = verdict.verdict_id
    LEFT JOIN event AS edit ON verdict.action = 'edit' AND edit.event_id = verdict.event_id
    ORDER BY verdict.seq
"""

_SCORES = """
    SELECT sample.sample_id, sample."row", candidate.origin, score.ifd, score.r_ifd, score.loss_y,
           score.loss_y_given_x, score.loss_x, score.loss_x_given_y, score.loss_ratio,
           coalesce(score.tokens_y, 0) AS tokens_y, coalesce(score.tokens_x, 0) AS tokens_x,
           coalesce(score.status, 'unscored') AS status, candidate.producer,
           candidate.drift, candidate.growth,
           coalesce(candidate.candidate_id = verdict.candidate_id, false) AS selected, verdict.reason
    FROM candidate JOIN sample USING (sample_id) JOIN verdict USING (sample_id)
    LEFT JOIN score ON score.candidate_id = candidate.candidate_id AND score.scoring_id = ?
    ORDER BY sample.seq, candidate.candidate_id
"""


def counts(store: Store, scope: Scope, only: Filter = EVERYTHING) -> dict[str, dict[str, int]]:
    """Count what an export of `scope` holds: in total, by origin, by the rule's reason and by decision."""
    chosen, values = _chosen(store, scope, only)
    rows = store.rows(
        f"""SELECT verdict_origin AS by_origin, reason AS by_reason, coalesce(action, 'none') AS by_decision,
                   count(*) AS pairs FROM {chosen} GROUP BY ALL""",
        values,
    )
    found: dict[str, dict[str, int]] = {"total": {"pairs": sum(row["pairs"] for row in rows)}}
    for name in ("by_origin", "by_reason", "by_decision"):
        found[name] = {what: sum(row["pairs"] for row in rows if row[name] == what)
                       for what in sorted({row[name] for row in rows})}  # fmt: skip
    return found


def preview(store: Store, scope: Scope, only: Filter = EVERYTHING, limit: int = 3) -> list[Row]:
    """Read the first rows that an export of `scope` would hold."""
    chosen, values = _chosen(store, scope, only)
    # Found first and read then, as in read_page.
    first = store.rows(f"SELECT seq, verdict_id FROM {chosen} ORDER BY seq LIMIT $limit", {**values, "limit": limit})
    return store.rows(
        _PAIRS.format(
            rows="(FROM verdict WHERE list_contains($seqs::BIGINT[], seq))",
            candidates="(FROM candidate WHERE candidate_id IN (SELECT unnest($ids::BIGINT[])))",
        ),
        {"seqs": [row["seq"] for row in first], "ids": [row["verdict_id"] for row in first]},
    )


def export(
    store: Store, folder: Path, format: str, *, scope: Scope = Scope.VERDICTS, only: Filter = EVERYTHING, by: str
) -> Exported:
    """Write one format to `folder`, read it back, add it to the folder's manifest, and log it.

    ExportError if the folder cannot be written or the file does not read back as written; nothing half-written stays.
    """
    if format not in FILES:
        raise ExportError(f"There is no export format {format}.", f"Choose from: {', '.join(FILES)}.")
    refresh(store)
    _make_folder(folder)
    path = folder / FILES[format]
    rows = _write_scores(store, path) if format == "scores" else _write_pairs(store, path, format, scope, only)
    written = Exported(path, rows, _sha256(path))
    _write_manifest(store, folder, format, scope, only, written)
    events.record(store, "export", by, {"file": str(path), "rows": rows, "scope": str(scope), "sha256": written.sha256})
    return written


def _chosen(store: Store, scope: Scope, only: Filter) -> tuple[str, dict[str, object]]:
    """Return the relation of the samples that an export holds, and its parameters."""
    where, values = filter_condition(store, only)
    approved = "AND approved" if scope is Scope.APPROVED else ""
    return f"(SELECT * FROM {ROWS} WHERE verdict_origin IS NOT NULL {approved} AND ({where}))", values


def _pairs(store: Store, scope: Scope, only: Filter) -> Iterator[ExportRow]:
    chosen, values = _chosen(store, scope, only)
    for rows in store.stream(_PAIRS.format(rows=chosen, candidates="candidate"), values):
        for row in rows:
            pair = Pair(instruction=row["instruction"], response=row["response"], input=row["input"])
            yield ExportRow(pair, row["sample_id"], row["origin"])


def _write_pairs(store: Store, path: Path, format: str, scope: Scope, only: Filter) -> int:
    rows = write_rows(path, format, _pairs(store, scope, only))
    if rows:
        _check_reads_back(path, format, _pairs(store, scope, only))
    return rows


def _check_reads_back(path: Path, format: str, expected: Iterator[ExportRow]) -> None:
    found = read_rows(path, format=format)
    for number, row in enumerate(expected):
        read = next(found, None)
        if read is None or isinstance(read, Reject) or read.original != row.pair:
            raise ExportError(
                f"{path} does not read back as written: row {number} (sample {row.sample_id}) differs.",
                "Do not train on this file. Look at the sample, edit or reject it, and export again.",
            )
    if next(found, None) is not None:
        raise ExportError(f"{path} has more rows than were written.", "Export again to another folder.")


def _write_scores(store: Store, path: Path) -> int:
    scoring = store.scoring_id()
    return write_jsonl(path, (row for rows in store.stream(_SCORES, [scoring]) for row in rows))


def _write_manifest(store: Store, folder: Path, format: str, scope: Scope, only: Filter, written: Exported) -> None:
    """Write the folder's manifest: how this file came to be; other files of the folder keep their entry."""
    path = folder / "manifest.json"
    entry = {
        "project": store.path.name,
        "format": format,
        **({"scope": "every candidate"} if format == "scores" else _taken(store, scope, only)),
        "rows": written.rows,
        "sha256": written.sha256,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "all_samples_by_reason": status(store)["selected"]["by_reason"],
        "policy": settings_of(applied_policy(store)),
        "student": _student(store),
        "teachers": [
            row["producer"] for row in store.rows("SELECT DISTINCT producer FROM reflection ORDER BY producer")
        ],
    }
    files = {**_manifest_entries(path), written.path.name: entry}
    text = json.dumps({"files": files}, indent=2, ensure_ascii=False)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise ExportError(
            f"{path} cannot be written: {error.strerror}.", "Free space or choose a folder you may write to."
        ) from error


def _taken(store: Store, scope: Scope, only: Filter) -> dict[str, Any]:
    """Say which samples a file of pairs holds."""
    given = {name: value for name, value in asdict(only).items() if value}
    return {"scope": str(scope), "filter": given, "counts": counts(store, scope, only)}


def _manifest_entries(path: Path) -> dict[str, Any]:
    """Return the entries of a manifest that is there already, for files that still are what it says."""
    try:
        files: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {
            name: files[name]
            for name in FILES.values()
            if name in files and (path.parent / name).is_file() and _sha256(path.parent / name) == files[name]["sha256"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _student(store: Store) -> Row | None:
    rows = store.rows(
        """SELECT student, fingerprint, dtype, template, template_hash, convention, max_length FROM scoring
           WHERE scoring_id = (FROM scoring_in_use)"""
    )
    return rows[0] if rows else None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Choose a folder you may write to."
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
