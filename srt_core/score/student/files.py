"""Detect, without reading its weights, whether the files of a student have changed."""

import hashlib
import json
from pathlib import Path

from srt_core.errors import StudentError
from srt_core.score.student.sources import base_name


def files_stamp(name: str, *options: str) -> str:
    """Return a hash (32 hex digits) of a student's path, its files' names, sizes and times, and `options`.

    The files of an adapter's base count as its own. "" for a hub name: only the hub knows whether it has changed.
    """
    path = Path(name).expanduser()
    try:
        found = [(file.name, file.stat()) for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    except OSError:
        return ""
    files = [(file, stat.st_size, stat.st_mtime_ns) for file, stat in found]
    parts: list[object] = [str(path.resolve()), files, options]
    if any(file == "adapter_config.json" for file, *_ in files):
        base = _base_stamp(path)
        if not base:
            return ""
        parts.append(base)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _base_stamp(adapter: Path) -> str:
    try:
        return files_stamp(base_name(adapter))
    except StudentError:  # loading it says what is wrong
        return ""
