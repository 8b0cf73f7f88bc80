"""Which files a person means: on this machine, or on the hub."""

from srt_core.errors import DatasetError
from srt_core.importing.files.sources.hub import ADDRESS, find_hub_files
from srt_core.importing.files.sources.opening import Source
from srt_core.importing.files.sources.paths import find_files


def find_sources(
    written: str, split: str | None = None, config: str | None = None, revision: str | None = None
) -> list[Source]:
    """Return the files that a path, a pattern, a folder or an address on the hub means.

    Raises:
        DatasetError: there are none, or a config or revision was named of what is not on the hub.
    """
    if written.startswith("hf://"):
        return find_hub_files(written, config, split, revision)
    if config or revision:
        raise DatasetError("--config and --revision are of data sets on the hub.", f"Write {ADDRESS}OWNER/NAME.")
    return find_files(written, split)
