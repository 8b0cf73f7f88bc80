"""Read a file of any format as records: fields by name, with the row and line they come from."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from srt_core.importing.files.account import Account
from srt_core.importing.files.options import DEFAULTS, Options
from srt_core.importing.files.readers.columnar import read_arrow, read_parquet
from srt_core.importing.files.readers.detection import find_format, named_format
from srt_core.importing.files.readers.json_layout import read_json
from srt_core.importing.files.readers.tables import read_csv
from srt_core.importing.files.readers.text import check_encoding, find_encoding, open_text
from srt_core.importing.files.records import Record, Reject
from srt_core.importing.files.sources.opening import Opened, Source, local, opened
from srt_core.importing.files.sources.packed import seekable

COLUMNS_OF = 1_000
"""Records in which a screen looks for the columns to choose from."""

_PROGRESS_EVERY_ROWS = 500
_NOT_CLOSED = "Lists of records that are not closed at their end, as of a file that was cut off"


def as_source(path: Path | str | Source) -> Source:
    """Return a file to import; a path is one on this machine."""
    return path if isinstance(path, Source) else local(path)


def detect(path: Path | str | Source, encoding: str | None = None) -> str:
    """Return the format of a file, one of FORMATS.

    Raises:
        DatasetError: it cannot be opened, is empty, binary, of an encoding that has to be named, or of no known format.
    """
    source = as_source(path)
    if encoding:
        check_encoding(encoding)
    with opened(source) as found:
        return find_format(source.name, found.head, encoding)


def read_records(
    path: Path | str | Source,
    format: str | None = None,
    options: Options = DEFAULTS,
    *,
    progress: Callable[[float], None] | None = None,
    account: Account | None = None,
) -> Iterator[Record | Reject]:
    """Yield the records of a file, in memory that does not grow with the file.

    Rows number every record, rejected ones too, but not blank lines. `progress` is called now and then with the share
    of the file read so far, from 0 to 1.

    Raises:
        DatasetError: the file cannot be opened, is empty, binary, or of another encoding or format.
    """
    source = as_source(path)
    if options.encoding:
        check_encoding(options.encoding)
    with ExitStack() as stack:
        found = stack.enter_context(opened(source))
        asked = named_format(format) if format else find_format(source.name, found.head, options.encoding)
        for count, item in enumerate(_read(source.name, found, asked, options, account, stack)):
            if progress and count % _PROGRESS_EVERY_ROWS == 0:
                progress(found.share())
            yield item
    if progress:
        progress(1.0)


def columns(path: Path | str | Source, format: str | None = None, options: Options = DEFAULTS) -> list[str]:
    """Return the columns of the first thousand records, in the order in which they are met.

    Raises:
        DatasetError: as `read_records`.
    """
    records = islice(read_records(path, format, options), COLUMNS_OF)
    return list(dict.fromkeys(name for record in records if isinstance(record, Record) for name in record.fields))


def preview(
    path: Path | str | Source, format: str | None = None, limit: int = 5, options: Options = DEFAULTS
) -> list[Record]:
    """Return those of the first records that can be read.

    Raises:
        DatasetError: as `read_records`.
    """
    records = (record for record in read_records(path, format, options) if isinstance(record, Record))
    return list(islice(records, limit))


def _read(
    name: str, found: Opened, format: str, options: Options, account: Account | None, stack: ExitStack
) -> Iterator[Record | Reject]:
    if format in ("parquet", "arrow"):
        read = read_parquet if format == "parquet" else read_arrow
        yield from read(name, stack.enter_context(seekable(found.file)))
        return
    encoding = options.encoding or find_encoding(name, found.head)
    file = stack.enter_context(open_text(found.file, encoding))
    if format == "csv":
        yield from read_csv(name, file)
        return
    rows, reader = read_json(name, file, options.key)
    yield from rows
    if account is not None and reader is not None and not reader.is_closed:
        account.notes[_NOT_CLOSED] += 1
