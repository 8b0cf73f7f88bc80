"""What tells, without reading its weights, that a student's folder is as it was."""

import hashlib
import json
from pathlib import Path


def files_stamp(name: str, *options: str) -> str:
    """Return 32 hex digits over a folder's path, its files' names, sizes and times, and how it is loaded.

    "" for a hub name, of which only the hub knows whether it is as it was.
    """
    folder = Path(name).expanduser()
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ""
    files = [(file, stat.st_size, stat.st_mtime_ns) for file, stat in found]
    return hashlib.sha256(json.dumps([str(folder.resolve()), files, options]).encode()).hexdigest()[:32]
