"""The folder of the user's cache in which what was converted or unpacked once is kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder; it need not be there."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "srt-curator"
