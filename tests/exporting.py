"""What tests of exports share: pairs as the lines of a file without a project, and exports of one format."""

from collections.abc import Iterable
from pathlib import Path

from srt_core.export.contents import EVERYTHING, Contents, Scope
from srt_core.export.export import export
from srt_core.export.files import Written
from srt_core.export.formats import BARE, ExportRow, LeftOut, Line, find_format, write_file
from srt_core.export.formats.writing import Fields
from srt_core.export.lines import Conversations
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter


def fields_of(format: str, row: ExportRow) -> Fields:
    """What a format writes of a pair that it has a place for."""
    found = find_format(format).fields(Line((row,)), BARE)
    assert not isinstance(found, LeftOut)
    return found


def write_rows(path: Path, format: str, rows: Iterable[ExportRow]) -> int:
    """Write pairs without contexts or own columns, a line each; returns how many."""
    return write_file(path, find_format(format), (fields_of(format, row) for row in rows))


def export_one(
    store: Store,
    folder: Path,
    format: str,
    *,
    scope: Scope = Scope.VERDICTS,
    only: Filter = EVERYTHING,
    conversations: Conversations = Conversations.APART,
    by: str = "Ann",
    force: bool = False,
) -> Written:
    """Export one format, with nothing put aside; returns its file."""
    contents = Contents(scope, only, conversations)
    return export(store, folder, [format], contents, by=by, force=force).file(format)
