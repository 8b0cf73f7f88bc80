"""Export: the verdicts as files a trainer reads, checked by reading them back, with a manifest of their making."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from srt_core.errors import ExportError
from srt_core.export import past
from srt_core.export.contents import EVERYTHING, Contents, Scope, layout, rows, scores
from srt_core.export.files import Exported, make_folder, sha256_of
from srt_core.export.formats import FORMATS, Fields, Format, Line, MakeFields, find_format, write_file
from srt_core.export.lines import Conversations, make_lines, write_fields
from srt_core.export.manifest import check_ours, write_manifest
from srt_core.importing.files import Reject, read_records
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.select.derive import refresh


def export(
    store: Store,
    folder: Path,
    format: str,
    *,
    scope: Scope = Scope.VERDICTS,
    only: Filter = EVERYTHING,
    conversations: Conversations = Conversations.APART,
    by: str,
    force: bool = False,
) -> Exported:
    """Write one format to `folder`, read it back, add it to the folder's manifest, and log it with its rows.

    ExportError if the format cannot join conversations, the folder cannot be written, a file would be replaced that is
    not ours (unless `force`), or the file does not read back as written; nothing half-written stays.
    """
    asked, contents = find_format(format), Contents(scope, only, conversations)
    _check_joins(asked, conversations)
    refresh(store)
    make_folder(folder)
    path = folder / asked.file
    if not force:
        check_ours(folder, asked.file)
    export_id = past.begin(store)
    if asked.fields is None:
        written = Exported(path, write_file(path, asked, scores(store)), sha256_of(path))
    else:
        written = _write_pairs(store, export_id, path, asked, asked.fields, contents)
    write_manifest(store, folder, export_id, asked, contents, written)
    past.finish(store, export_id, asked, contents, written, by)
    return written


def _check_joins(format: Format, conversations: Conversations) -> None:
    if conversations is Conversations.JOINED and format.fields and not format.joins:
        able = ", ".join(name for name, each in FORMATS.items() if each.joins)
        raise ExportError(
            f"A line of {format.name} cannot say which of its answers are trained on.", f"Join conversations in {able}."
        )


def _write_pairs(
    store: Store, export_id: int, path: Path, format: Format, make: MakeFields, contents: Contents
) -> Exported:
    shared = layout(store, contents)
    left_out: Counter[str] = Counter()
    lines = make_lines(rows(store, contents, shared), contents.conversations)
    found = past.remember(store, export_id, write_fields(lines, make, shared, left_out))
    number = write_file(path, format, found, shared)
    if number:
        again = make_lines(rows(store, contents, shared), contents.conversations)
        _check_reads_back(path, format, write_fields(again, make, shared, Counter()))
    return Exported(path, number, sha256_of(path), dict(left_out))


def _check_reads_back(path: Path, format: Format, expected: Iterable[tuple[Line, Fields]]) -> None:
    found = read_records(path, format.name)
    for number, (line, fields) in enumerate(expected, start=1):
        read = next(found, None)
        if read is None or isinstance(read, Reject) or read.fields != fields:
            raise ExportError(
                f"{path} does not read back as written: row {number} (sample {line.last.sample_id}) differs.",
                "Do not train on this file. Look at the sample, edit or reject it, and export again.",
            )
    if next(found, None) is not None:
        raise ExportError(f"{path} has more rows than were written.", "Export again to another folder.")
