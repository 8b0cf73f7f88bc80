"""Which files are meant: a path, a pattern, or a folder with files of data in it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from srt_core.errors import DatasetError
from srt_core.importing.files.sources.opening import Source, local

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".feather")
_PACKED = ("", ".gz", ".bz2", ".xz", ".zst", ".zip")
_DATA = tuple(f"{suffix}{packed}" for suffix in SUFFIXES for packed in _PACKED)
_PATTERN = re.compile(r"[*?\[]")
_ABOUT = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
"""Files beside the data in which `datasets` writes what it is."""

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""The words in a path by which `datasets` tells a split."""


def find_files(written: str, split: str | None = None) -> list[Source]:
    """Return the files that a path, a pattern or a folder means, in the order of their names.

    `split`: only those of this split, by their names.

    Raises:
        DatasetError: there are none.
    """
    path = Path(written).expanduser()
    if path.is_dir():
        return [local(each) for each in _in_folder(path, split)]
    if path.exists() or not _PATTERN.search(written):
        return [local(path)]
    root = Path(path.anchor) if path.is_absolute() else Path()
    found = [each for each in sorted(root.glob(str(path.relative_to(root)))) if each.is_file()]
    if not found:
        raise DatasetError(f"No file matches {written}.", "Check the pattern, and put it in quotes.")
    return [local(each) for each in _of_split(found, root, split)]


def _in_folder(folder: Path, split: str | None) -> Sequence[Path]:
    if (saved := folder / "dataset_dict.json").is_file():
        splits = json.loads(saved.read_text("utf-8")).get("splits", [])
        if split is None and len(splits) > 1:
            raise DatasetError(f"{folder} holds the splits {', '.join(splits)}.", f"Say which: --split {splits[0]}.")
        if split is not None and split not in splits:
            raise DatasetError(f'{folder} has no split "{split}".', f"It has {', '.join(splits)}.")
        return _in_folder(folder / (split or splits[0]), None)
    if (state := folder / "state.json").is_file():
        listed = [each["filename"] for each in json.loads(state.read_text("utf-8")).get("_data_files", [])]
        return [folder / each for each in listed]
    found = [
        path for path in sorted(folder.rglob("*")) if path.is_file() and is_data(path.relative_to(folder).as_posix())
    ]
    if not found:
        raise DatasetError(f"{folder} has no file of data in it.", f"Such files end in {', '.join(SUFFIXES)}.")
    return _of_split(found, folder, split)


def is_data(path: str) -> bool:
    """Whether a file in a folder is one of data, by its name."""
    parts = path.lower().split("/")
    return parts[-1].endswith(_DATA) and parts[-1] not in _ABOUT and not any(part.startswith(".") for part in parts)


def _of_split(paths: Sequence[Path], root: Path, split: str | None) -> Sequence[Path]:
    if split is None:
        return paths
    found = [path for path in paths if split_of(path.relative_to(root).as_posix()) == split]
    if not found:
        raise DatasetError(f'There is no file of the split "{split}".', "Leave out --split to take all.")
    return found


def split_of(path: str) -> str:
    """Return the split that a path names, as `datasets` does; "train" where it names none."""
    words = re.split(r"[^a-z0-9]+", path.lower())
    for split, names in SPLITS.items():
        if any(name in words for name in names):
            return split
    sharded = re.match(r"(?:.*/)?([A-Za-z_]\w*)-\d{5}-of-\d{5}", path)
    return sharded[1] if sharded else "train"
