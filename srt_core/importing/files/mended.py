"""A reject that was written to a file to be mended: what it was made of, and its number."""

import json

from srt_core.importing.files.records import Record

_KEYS = {"reject", "file", "row", "reason"}


def unwrap(record: Record) -> tuple[Record, int | None]:
    """Return the record that a mended reject holds, with the reject's number; any other record as it is."""
    fields = record.fields
    number = fields.get("reject")
    if not isinstance(number, int) or not fields.keys() >= _KEYS:
        return record, None
    value = fields.get("record", fields.get("text"))
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = {"text": value}
    found = value if isinstance(value, dict) else {"messages": value}
    return Record(record.row, record.line, found), number
