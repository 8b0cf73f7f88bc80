"""Import a file in chunks: its rows become samples with an original and, where the file has them, rewrites."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from srt_core.errors import DatasetError
from srt_core.importing import imports, samples
from srt_core.importing.files import DEFAULTS, Account, ImportRow, Options, Reject, Source, as_source, detect, read_rows
from srt_core.importing.samples import NOTHING_ADDED, Added
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.project.tombstones import count_retracted_rows
from srt_core.records import counted

CHUNK_ROWS = 1_000


class NoRowsError(DatasetError):
    """A file that is read to its end and has no rows."""


@dataclass(slots=True)
class Outcome:
    """What an import came to, of one file or several."""

    added: Added = NOTHING_ADDED
    account: Account = field(default_factory=Account)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of the rows that were rejected."""
    without_rows: list[str] = field(default_factory=list)
    """Names of files."""
    retracted: int = 0
    """Rows whose sample is retracted: by this import, for its pair was retracted before, or by somebody."""

    @property
    def message(self) -> str:
        """The sum, in a line."""
        added = self.added
        rewrites = counted(added.candidates - added.samples, "rewrite")
        duplicates = counted(added.duplicates, "exact duplicate")
        return (
            f"{counted(added.samples, 'sample')} added, {rewrites}, {added.known:,} known before, {duplicates}, "
            f"{counted(added.rejected, 'row')} rejected"
        )

    @property
    def details(self) -> tuple[str, ...]:
        """What came of the columns, and the rejected rows by reason."""
        reasons = [f"Rejected, {count:,}: {reason}" for reason, count in self.reasons.most_common(REASONS_LISTED)]
        more = sum(self.reasons.values()) - sum(count for _, count in self.reasons.most_common(REASONS_LISTED))
        if more:
            reasons.append(f"Rejected, {more:,}: for other reasons.")
        empty = [f"Without rows: {', '.join(self.without_rows)}."] if self.without_rows else []
        again = self.retracted
        held = [f"Retracted, {again:,}: no export holds them."] if again else []
        return (*self.account.lines(), *empty, *held, *reasons)


REASONS_LISTED = 10
_HASHED_AT_ONCE = 1_048_576


def import_files(
    store: Store,
    sources: Sequence[Source],
    *,
    format: str | None = None,
    column_map: Mapping[str, str] | None = None,
    options: Options = DEFAULTS,
    stop: Event | None = None,
) -> Iterator[Progress]:
    """Import files one after another, each as an import of its own; a file without rows is noted, not an error.

    Raises:
        DatasetError: as `import_file`, or none of the files has rows.
    """
    progress, outcome = Progress("rows"), Outcome()
    for source in sources:
        before = progress
        author = f"import of {Path(source.name).name}"
        steps = import_file(
            store, source, format=format, column_map=column_map, options=options, author=author, stop=stop,
            outcome=outcome, before=progress,
        )  # fmt: skip
        try:
            for progress in steps:
                yield progress if len(sources) == 1 else replace(progress, total=None)
        except NoRowsError:
            if len(sources) == 1:
                raise
            outcome.without_rows.append(source.name)
        if stop and stop.is_set():
            return
        if progress is before and source.name not in outcome.without_rows:
            outcome.without_rows.append(source.name)
    if len(outcome.without_rows) == len(sources):
        raise NoRowsError("None of the files has rows.", "Check that these are the files you mean.")
    yield replace(progress, details=outcome.details)


def import_file(
    store: Store,
    path: Path | str | Source,
    *,
    format: str | None = None,
    column_map: Mapping[str, str] | None = None,
    options: Options = DEFAULTS,
    author: str = "import",
    stop: Event | None = None,
    outcome: Outcome | None = None,
    before: Progress | None = None,
) -> Iterator[Progress]:
    """Import a file in chunks and yield progress in rows; the message of the last one is a summary.

    An import that was cut off continues after its last stored row when the same file is imported with the same options;
    after a finished one nothing is added. Rows that cannot be read are stored as rejects. `outcome` and `before` are
    what came of the files before it in the same run, and are gone on with.

    Raises:
        DatasetError: no row can be read.
    """
    source = as_source(path)
    format = format or detect(source, options.encoding)
    share = 0.0

    def on_share(read: float) -> None:
        nonlocal share
        share = read

    outcome = outcome or Outcome()
    account = Account()
    rows = read_rows(source, format, column_map, options, progress=on_share, account=account)
    asked: dict[str, object] = {"columns": dict(column_map or {}), **options.said}
    progress = before or Progress("rows")
    file_added = NOTHING_ADDED
    import_id: int | None = None
    last = 0
    for chunk in _chunks(rows):
        if import_id is None:  # a file without any row is not stored as an import
            import_id = imports.begin_import(store, source.name, source.sha256 or _sha256(source), format, asked)
            last = imports.last_row(store, import_id)
        new = [row for row in chunk if row.row > last]
        part = samples.add_rows(store, import_id, new, author) if new else NOTHING_ADDED
        part = replace(part, known=part.known + len(chunk) - len(new))
        file_added += part
        outcome.added += part
        outcome.reasons.update(row.reason for row in new if isinstance(row, Reject))
        progress = progress.moved(len(chunk), failed=part.rejected, message=outcome.message)
        yield replace(progress, total=round(progress.done / share) if share else None)
        if stop and stop.is_set():
            return
    if import_id is None:
        raise NoRowsError(f"{source.name} has no rows.", "Check that this is the file you mean.")
    imports.finish_import(store, import_id, author, file_added, account)
    outcome.account.add(account)
    outcome.retracted += count_retracted_rows(store, import_id)


def _chunks(rows: Iterable[ImportRow | Reject]) -> Iterator[list[ImportRow | Reject]]:
    """Yield about a thousand rows at a time, those of one record together."""
    chunk: list[ImportRow | Reject] = []
    for row in rows:
        if len(chunk) >= CHUNK_ROWS and row.row != chunk[-1].row:
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


def _sha256(source: Source) -> str:
    digest = hashlib.sha256()
    with source.open() as file:
        while chunk := file.read(_HASHED_AT_ONCE):
            digest.update(chunk)
    return digest.hexdigest()
