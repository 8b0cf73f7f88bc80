"""Import a file in chunks: its rows become samples with an original and, where the file has them, rewrites."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Event

from srt_core.errors import DatasetError
from srt_core.importing import samples
from srt_core.importing.files import ColumnMap, ImportRow, Reject, detect, read_rows
from srt_core.importing.samples import NOTHING_ADDED, Added
from srt_core.project.progress import Progress
from srt_core.project.store import Store

CHUNK_ROWS = 1_000


def import_file(
    store: Store,
    path: Path,
    *,
    format: str | None = None,
    column_map: ColumnMap | None = None,
    first_turn_only: bool = False,
    author: str = "import",
    stop: Event | None = None,
) -> Iterator[Progress]:
    """Import `path` in chunks and yield progress in rows; the message of the last one is a summary.

    An import that was cut off continues after its last stored row when the same file is imported with the same options;
    after a finished one nothing is added. Rows that cannot be read are stored as rejects. DatasetError if no row can be
    read.
    """
    format = format or detect(path)
    share = 0.0

    def on_share(read: float) -> None:
        nonlocal share
        share = read

    rows = read_rows(path, format, column_map, first_turn_only, on_share)
    options: dict[str, object] = {"columns": dict(column_map or {}), "first_turn_only": first_turn_only}
    progress = Progress("rows")
    added = NOTHING_ADDED
    import_id: int | None = None
    last = -1
    for chunk in _chunks(rows):
        if import_id is None:  # a file without any row is not stored as an import
            import_id = samples.begin_import(store, str(path), _sha256(path), format, options)
            last = samples.last_row(store, import_id)
        new = [row for row in chunk if row.row > last]
        part = samples.add_rows(store, import_id, new, author) if new else NOTHING_ADDED
        added += replace(part, known=part.known + len(chunk) - len(new))
        progress = progress.moved(len(chunk), failed=part.rejected, message=_summary(added))
        yield replace(progress, total=round(progress.done / share) if share else None)
        if stop and stop.is_set():
            return
    if import_id is None:
        raise DatasetError(f"{path} has no rows.", "Check that this is the file you mean.")
    samples.finish_import(store, import_id, author, added)


def _chunks(rows: Iterable[ImportRow | Reject]) -> Iterator[list[ImportRow | Reject]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        yield chunk


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _summary(added: Added) -> str:
    return (
        f"{added.samples:,} samples added, {added.candidates - added.samples:,} rewrites, {added.known:,} known "
        f"before, {added.duplicates:,} exact duplicates, {added.rejected:,} rows rejected"
    )
