"""Export: the verdicts as files a trainer reads, checked by reading them back, with a manifest of their making."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export import past
from srt_core.export.contents import EVERYTHING, Scope, rows
from srt_core.export.files import Exported, make_folder, sha256_of
from srt_core.export.formats import Format, Lists, find_format, write_file
from srt_core.export.manifest import write_manifest
from srt_core.importing.files import AS_WRITTEN, Reject, read_rows
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.select.derive import refresh


def export(
    store: Store, folder: Path, format: str, *, scope: Scope = Scope.VERDICTS, only: Filter = EVERYTHING, by: str
) -> Exported:
    """Write one format to `folder`, read it back, add it to the folder's manifest, and log it with its rows.

    ExportError if the folder cannot be written or the file does not read back as written; nothing half-written stays.
    """
    asked = find_format(format)
    refresh(store)
    make_folder(folder)
    path = folder / asked.file
    export_id = past.begin(store)
    number = write_file(path, asked, _remembered(store, export_id, asked, scope, only))
    if number and asked.lists is Lists.PAIRS:
        _check_reads_back(path, asked, rows(store, asked.lists, scope, only))
    written = Exported(path, number, sha256_of(path))
    write_manifest(store, folder, asked, scope, only, written)
    past.finish(store, export_id, asked, scope, only, written, by)
    return written


def _remembered(store: Store, export_id: int, format: Format, scope: Scope, only: Filter) -> Iterator[Any]:
    listed: Iterator[Any] = rows(store, format.lists, scope, only)
    return past.remember_rows(store, export_id, listed) if format.lists is Lists.PAIRS else listed


def _check_reads_back(path: Path, format: Format, expected: Iterator[Any]) -> None:
    found = read_rows(path, format.name, options=AS_WRITTEN)
    for number, row in enumerate(expected):
        read = next(found, None)
        if read is None or isinstance(read, Reject) or read.original != row.pair:
            raise ExportError(
                f"{path} does not read back as written: row {number} (sample {row.sample_id}) differs.",
                "Do not train on this file. Look at the sample, edit or reject it, and export again.",
            )
    if next(found, None) is not None:
        raise ExportError(f"{path} has more rows than were written.", "Export again to another folder.")
