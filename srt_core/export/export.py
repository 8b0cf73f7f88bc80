"""Export: one folder, its data checked by reading them back, with a manifest of their making and a card."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from srt_core.errors import ExportError
from srt_core.export import past
from srt_core.export.before import Counting
from srt_core.export.contents import Contents, layout, rows
from srt_core.export.describing import write_beside
from srt_core.export.exporting import NO_LINE, Export
from srt_core.export.files import Exported, Written, sha256_of
from srt_core.export.formats import (
    FORMATS,
    Fields,
    Format,
    LeftOut,
    Line,
    Source,
    Split,
    find_format,
    write_file,
)
from srt_core.export.lines import CONTRADICTED, make_lines
from srt_core.export.manifest import entry_of, manifest_of, write_manifest
from srt_core.export.scored import open_scored
from srt_core.export.sources import STREAMS
from srt_core.export.splits import put_aside
from srt_core.export.staging import BESIDE, staged
from srt_core.importing.files import AS_WRITTEN, Reject, read_records
from srt_core.project.store import Store
from srt_core.select.derive import refresh

_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")
EVERYTHING = Contents()


def export(
    store: Store,
    folder: Path,
    formats: Sequence[str],
    contents: Contents = EVERYTHING,
    *,
    by: str,
    licence: str = "",
    max_length: int | None = None,
    force: bool = False,
) -> Exported:
    """Write an export to a folder of its own, read its data back, describe it, and log it with its lines.

    Args:
        store: the project.
        folder: where it goes. What an earlier export wrote there is replaced.
        formats: by name, at least one.
        contents: which samples, and what a line is.
        by: who exports.
        licence: as the hub names it, such as cc-by-4.0; "" where nobody said.
        max_length: that of the training, in tokens, which longer lines are counted for; None: that of the scoring.
        force: also replace files that are not ours.

    Raises:
        ExportError: a format cannot be written of this project, the folder cannot be written, a file would be replaced
            that is not ours, or a file does not read back as written. Nothing half-written stays.
    """
    asked = [find_format(name) for name in dict.fromkeys(formats)]
    _check(asked, contents, licence)
    refresh(store)
    scored = open_scored(store, is_filled=any(format.is_filled for format in asked))
    shared = layout(store, contents, scored)
    holds_texts = any(format.source.holds_texts for format in asked)
    names = [*BESIDE, *(name for format in asked for name in format.files)]
    with staged(folder, names, force=force) as stage, put_aside(store, contents.validation, shared.first) as aside:
        counting = Counting(store, contents, scored, max_length)
        contradicted: Counter[Split] = Counter()
        found = make_lines(rows(store, contents, shared, aside), contents.conversations) if holds_texts else iter(())
        export_id = past.begin(store)
        held = past.remember(store, export_id, _whole(counting.passing(found), contradicted))
        under_way = Export(export_id, contents, shared, held.total(), held[Split.TRAIN], aside)
        files, used = _write_all(store, under_way, asked, stage, contradicted)
        past.forget(store, export_id, [number for number in range(1, under_way.lines + 1) if not used[number]])
        before = counting.found(_left_out(files)) if holds_texts else None
        exported = Exported(folder, export_id, tuple(format.name for format in asked), files, sum(used[1:]), before)
        manifest = manifest_of(store, under_way, exported, licence)
        beside = write_beside(store, stage, under_way, exported, scored, manifest)
        write_manifest(stage, manifest, beside)
    exported = _moved(exported, folder)
    past.finish(store, under_way, exported, by)
    return exported


def rebuild(store: Store, export_id: int, folder: Path) -> Exported:
    """Write the pairs of a past export again to `folder`, with the very texts that they held; not what is retracted.

    ExportError if there is none of that id, if none of its files is of pairs (others hold numbers and decisions as they
    stood), or if a text is not what it was.
    """
    found = past.find_past(store, export_id)
    asked = [format for format in map(find_format, found.formats) if format.source is Source.PAIRS]
    if not asked:
        raise ExportError(f"Export {export_id} lists numbers or decisions as they stood.", "Export it again.")
    scored = open_scored(store, is_filled=any(format.is_filled for format in asked))
    shared = past.remembered_layout(store, found, scored)
    lines = int(store.value("""SELECT coalesce(max("row"), 0) FROM exported WHERE export_id = ?""", [export_id]))
    contents = Contents(conversations=found.conversations)
    again = Export(export_id, contents, shared, lines, min(found.trained, lines), "")
    with staged(folder, [name for format in asked for name in format.files], force=True) as stage:
        files, used = _write_all(store, again, asked, stage, Counter())
        exported = Exported(folder, export_id, tuple(format.name for format in asked), files, sum(used[1:]))
        write_manifest(stage, _of_past(store, found, exported), [])
    return _moved(exported, folder)


def _of_past(store: Store, found: past.PastExport, exported: Exported) -> dict[str, Any]:
    entries = {each.path.name: entry_of(each) for each in exported.files}
    without = past.count_retracted_lines(store, found.export_id)
    return {
        "export": found.export_id, "written_again": True, "retracted": without, "sha256": exported.sha256,
        "files": entries,
    }  # fmt: skip


def _moved(exported: Exported, folder: Path) -> Exported:
    return replace(exported, files=tuple(replace(each, path=folder / each.path.name) for each in exported.files))


def _check(asked: Sequence[Format], contents: Contents, licence: str) -> None:
    if not asked:
        raise ExportError("No format was chosen.", f"Choose from: {', '.join(FORMATS)}.")
    if not 0 <= contents.validation < 1:
        raise ExportError("The share for validation is no part of the whole.", "Give a number from 0 to less than 1.")
    if licence and not _LICENCE.fullmatch(licence):
        raise ExportError(
            f"{licence!r} is no name of a licence.", "Give it as the hub does, such as cc-by-4.0 or other."
        )
    unable = [format for format in asked if format.source is Source.PAIRS and not format.joins]
    if contents.conversations is not contents.conversations.APART and unable:
        able = ", ".join(name for name, each in FORMATS.items() if each.joins)
        raise ExportError(
            f"A line of {unable[0].name} cannot say which of its answers are trained on.",
            f"Join conversations in {able}.",
        )


def _whole(lines: Iterable[tuple[Line | LeftOut, Split]], contradicted: Counter[Split]) -> Iterator[tuple[Line, Split]]:
    """Yield the lines; count, by part, those that contradict themselves."""
    for line, split in lines:
        if isinstance(line, Line):
            yield line, split
        else:
            contradicted[split] += 1


def _left_out(files: Sequence[Written]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for each in files:
        found.setdefault(each.format, Counter()).update(each.left_out)
    return found


def _write_all(
    store: Store, export: Export, asked: Sequence[Format], stage: Path, contradicted: Counter[Split]
) -> tuple[tuple[Written, ...], bytearray]:
    """Write every file; returns them, and for each line of the export whether any file holds it (from 1)."""
    used = bytearray(export.lines + 1)
    files = []
    for format in asked:
        for split in format.splits:
            left_out = Counter({CONTRADICTED.reason: contradicted[split]} if contradicted[split] else {})
            written = _write(store, export, format, split, stage, left_out, used)
            if split is Split.TRAIN or written.rows or written.left_out:
                files.append(written)
    return tuple(files), used


def _write(
    store: Store, export: Export, format: Format, split: Split, stage: Path, left_out: Counter[str], used: bytearray
) -> Written:
    path = stage / format.file_of(split)
    columns: list[str] = []

    def passing() -> Iterator[Fields]:
        for number, fields in _fields(store, export, format, split, left_out):
            used[number] = number != NO_LINE
            columns[:] = columns or fields
            yield fields

    number = write_file(path, format, passing(), export.layout)
    if number:
        expected = None
        if format.source is Source.PAIRS:
            expected = _fields(store, export, format, split, Counter())
        _check_reads_back(path, number, expected)
    elif split is not Split.TRAIN:
        path.unlink()
    sha256 = sha256_of(path) if path.exists() else ""
    return Written(path, format.name, split, number, sha256, tuple(columns), dict(left_out))


def _fields(
    store: Store, export: Export, format: Format, split: Split, left_out: Counter[str]
) -> Iterator[tuple[int, Fields]]:
    """Yield what is written of each line, with its number; count in `left_out`, by reason, those that are not."""
    for number, item in STREAMS[format.source](store, export, split):
        found = format.fields(item, export.layout)
        if isinstance(found, LeftOut):
            left_out[found.reason] += 1
        else:
            yield number, found


def _check_reads_back(path: Path, rows: int, expected: Iterable[tuple[int, Fields]] | None) -> None:
    """ExportError where a file has another number of records than was written, or other ones than expected."""
    found = _read(path)
    read = 0
    for number, fields in expected or ():
        if next(found, None) != fields:
            raise ExportError(
                f"{path.name} does not read back as written: line {number} of the export differs.",
                "Do not train on this file. Look at the sample, edit it or leave it out, and export again.",
            )
        read += 1
    read += sum(1 for _ in found)
    if read != rows:
        raise ExportError(f"{path.name} has {read:,} rows and not {rows:,}.", "Export again to another folder.")


def _read(path: Path) -> Iterator[Mapping[str, object] | None]:
    """Yield the records of a written file; None for one that cannot be read."""
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from map(json.loads, file)
        return
    for record in read_records(path, path.suffix[1:], AS_WRITTEN):
        yield None if isinstance(record, Reject) else record.fields
