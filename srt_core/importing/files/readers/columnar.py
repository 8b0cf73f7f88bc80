"""Records from columns: Parquet, and Arrow as a file or a stream (Feather, and what `datasets` saves)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from srt_core.errors import DatasetError
from srt_core.importing.files.records import Record, Reject

if TYPE_CHECKING:
    import pyarrow

_BATCH_ROWS = 256
_ARROW_FILE = b"ARROW1"

Batches = Iterator["pyarrow.RecordBatch"]


def read_parquet(name: str, file: BinaryIO) -> Iterator[Record | Reject]:
    """Yield the records of a Parquet file, which has no lines.

    Raises:
        DatasetError: it is no Parquet file that can be read.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        batches = pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=_BATCH_ROWS)
    except (pyarrow.ArrowException, OSError) as error:
        raise _refusal(name, "Parquet", error) from error
    return _records(batches)


def read_arrow(name: str, file: BinaryIO) -> Iterator[Record | Reject]:
    """Yield the records of an Arrow file or stream.

    Raises:
        DatasetError: it is no Arrow file that can be read.
    """
    import pyarrow
    import pyarrow.ipc

    try:
        is_file = file.read(len(_ARROW_FILE)) == _ARROW_FILE
        file.seek(0)
        if is_file:
            reader = pyarrow.ipc.open_file(file)
            batches: Batches = (reader.get_batch(at) for at in range(reader.num_record_batches))
        else:
            batches = iter(pyarrow.ipc.open_stream(file))
    except (pyarrow.ArrowException, OSError) as error:
        raise _refusal(name, "Arrow", error) from error
    return _records(part for batch in batches for part in _parts(batch))


def _refusal(name: str, kind: str, error: Exception) -> DatasetError:
    message = f"{name} is no {kind} file that can be read: {str(error).splitlines()[0]}"
    return DatasetError(message, "Write it again, or choose another format.")


def _parts(batch: "pyarrow.RecordBatch") -> Batches:
    return (batch.slice(at, _BATCH_ROWS) for at in range(0, batch.num_rows, _BATCH_ROWS))


def _records(batches: Batches) -> Iterator[Record | Reject]:
    import pyarrow

    row = 0
    try:
        for batch in batches:
            for found in _read_batch(batch, row + 1):
                row += 1
                yield found
    except (pyarrow.ArrowException, OSError) as error:
        yield Reject(row + 1, None, "The file is damaged here; nothing after it is read.", "", str(error))


def _read_batch(batch: "pyarrow.RecordBatch", first: int) -> Iterator[Record | Reject]:
    try:
        rows = batch.to_pylist()
    except ValueError:
        rows = None
    for at in range(batch.num_rows):
        yield Record(first + at, None, rows[at]) if rows is not None else _read_row(batch, at, first + at)


def _read_row(batch: "pyarrow.RecordBatch", at: int, row: int) -> Record | Reject:
    try:
        return Record(row, None, batch.slice(at, 1).to_pylist()[0])
    except ValueError as error:
        return Reject(row, None, f"The record has a value that cannot be read: {error}.", "")
