"""Records from JSON: the elements of a list, or an object a line."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from srt_core.importing.files.head import UTF8_HINT
from srt_core.importing.files.json_array import MAX_RECORD_BYTES, ArrayScanner
from srt_core.importing.files.records import Record, Reject, describe, excerpt

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_array(scanner: ArrayScanner) -> Iterator[Record | Reject]:
    """Yield the records of a JSON list; a list that is cut off ends in a Reject."""
    for row, element in enumerate(scanner.elements()):
        if element.fault:
            yield Reject(row, element.line, element.fault, excerpt(element.raw))
        else:
            yield _parse_object(row, element.line, element.offset, element.raw)


def read_lines(file: BinaryIO) -> Iterator[Record | Reject]:
    """Yield the records of a file with one JSON object a line; blank lines are skipped."""
    row = offset = 0
    for line, raw in enumerate(iter(lambda: file.readline(MAX_RECORD_BYTES), b""), start=1):
        text = raw.removeprefix(codecs.BOM_UTF8) if line == 1 else raw
        if len(raw) == MAX_RECORD_BYTES and not raw.endswith(b"\n"):
            reason = f"Line {line} is longer than 64 MB. Nothing after it is read."
            yield Reject(row, line, reason, excerpt(text))
            return
        if text.strip():
            yield _parse_object(row, line, offset + len(raw) - len(text), text.rstrip(b"\r\n"))
            row += 1
        offset += len(raw)


def _parse_object(row: int, line: int, offset: int, raw: bytes) -> Record | Reject:
    """Return the record in the bytes of one JSON object, or a Reject. Of equal keys the last one counts.

    `offset` is where the bytes begin in the file.
    """
    try:
        value = json.loads(raw.decode("utf-8"))
        if _SURROGATE_ESCAPE.search(raw):  # a lone surrogate parses, but cannot be stored as UTF-8
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"Byte {offset + error.start} of the file is not UTF-8. {UTF8_HINT}"
    except UnicodeEncodeError:
        reason = "The record has half of a surrogate pair (such as \\ud800), which is no character."
    except RecursionError:
        reason = "The record is nested too deeply."
    except json.JSONDecodeError as error:
        reason = f"The record is not valid JSON: {error.msg}, line {line + error.lineno - 1}, column {error.colno}."
    except ValueError as error:
        reason = f"The record has a value that cannot be read: {error}."
    else:
        if isinstance(value, dict):
            return Record(row, line, value)
        reason = f"The record is {describe(value)}, not an object with named fields."
    return Reject(row, line, reason, excerpt(raw))
