"""Files of a data set on the Hugging Face hub: listed as `datasets` resolves config and split, and streamed."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, BinaryIO, cast

from srt_core.errors import DatasetError
from srt_core.importing.files.sources.opening import Source
from srt_core.importing.files.sources.paths import is_data, split_of

ADDRESS = "hf://datasets/"

_NAME = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+|[\w.-]+)(?:@([^/]+))?/?$")
_BUFFERED = 1_048_576
_PARTIAL, _WHOLE = 206, 200
_SECONDS = 60.0
"""Without a byte after which the connection counts as lost."""


def find_hub_files(address: str, config: str | None, split: str | None, revision: str | None) -> list[Source]:
    """Return the files of hf://datasets/OWNER/NAME in one config and split, at one revision.

    A private data set takes the usual token (HF_TOKEN, or `hf auth login`).

    Raises:
        DatasetError: it is not there, or it has several configs or splits and none was named.
    """
    import httpx2
    from huggingface_hub import HfApi

    match = _NAME.match(address)
    if match is None:
        raise DatasetError(f"{address} is no data set of the hub.", "Write hf://datasets/OWNER/NAME.")
    name = match[1]
    try:
        info = HfApi().dataset_info(name, revision=revision or match[2], files_metadata=True)
        sizes = {each.rfilename: each for each in info.siblings or ()}
        sources = {path: _source(name, str(info.sha), path, about) for path, about in sizes.items()}
        configs = _configs(sources["README.md"]) if "README.md" in sources else []
    except (OSError, httpx2.HTTPError, ValueError) as error:
        hint = "Check name, revision and connection; a private or gated one needs a token in HF_TOKEN."
        raise DatasetError(f"{name} cannot be read from the hub: {str(error).splitlines()[0]}", hint) from error
    by_split = _splits(name, _choose_config(name, configs, config), list(sources))
    if split is None and len(by_split) > 1:
        listed = ", ".join(by_split)
        raise DatasetError(f"{name} has the splits {listed}.", f"Say which: --split {next(iter(by_split))}.")
    chosen = split or next(iter(by_split))
    if chosen not in by_split:
        raise DatasetError(f'{name} has no split "{chosen}".', f"It has {', '.join(by_split)}.")
    return [sources[path] for path in by_split[chosen]]


def _source(name: str, sha: str, path: str, about: Any) -> Source:
    known = about.lfs.sha256 if about.lfs else f"git:{about.blob_id}"
    opening = partial(_open, name, sha, path, int(about.size or 0))
    return Source(f"{ADDRESS}{name}@{sha}/{path}", opening, int(about.size or 0), known)


def _open(name: str, sha: str, path: str, size: int) -> BinaryIO:
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(name, path, repo_type="dataset", revision=sha)
    return cast(BinaryIO, io.BufferedReader(_Remote(url, size), _BUFFERED))


class _Remote(io.RawIOBase):
    """A file behind an address, read from any place on as it is asked for."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._at = 0
        self._stack = ExitStack()
        self._chunks: Iterator[bytes] | None = None
        self._rest = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        to = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if to != self._at:
            self._stack.close()
            self._at, self._chunks, self._rest = to, None, b""
        return to

    def readinto(self, buffer: Any) -> int:
        import httpx2

        if self._at >= self._size:
            return 0
        try:
            if self._chunks is None:
                self._chunks = self._stream()
            while not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    raise OSError(f"the connection ended after {self._at:,} of {self._size:,} bytes")
                self._rest = chunk
        except httpx2.HTTPError as error:
            raise OSError(str(error)) from error
        read = min(len(buffer), len(self._rest))
        buffer[:read], self._rest = self._rest[:read], self._rest[read:]
        self._at += read
        return read

    def _stream(self) -> Iterator[bytes]:
        import httpx2
        from huggingface_hub import get_token

        headers = {"Range": f"bytes={self._at}-", "Accept-Encoding": "identity"}
        if token := get_token():
            headers["Authorization"] = f"Bearer {token}"
        request = httpx2.stream("GET", self._url, headers=headers, follow_redirects=True, timeout=_SECONDS)
        response = self._stack.enter_context(request)
        if response.status_code != _PARTIAL and (response.status_code != _WHOLE or self._at):
            raise OSError(f"the hub answers with the status {response.status_code}")
        return response.iter_raw()

    def close(self) -> None:
        self._stack.close()
        super().close()


def _configs(readme: Source) -> Sequence[Mapping[str, Any]]:
    """Return the configs that a data set's card lists."""
    from huggingface_hub import DatasetCard

    with readme.open() as file:
        card = DatasetCard(file.read().decode("utf-8", "replace"), ignore_metadata_errors=True)
    found = card.data.get("configs") or []
    return [each for each in found if isinstance(each, dict) and (each.get("data_files") or each.get("data_dir"))]


def _choose_config(name: str, configs: Sequence[Mapping[str, Any]], asked: str | None) -> Mapping[str, Any]:
    by_name = {str(each.get("config_name", "default")): each for each in configs}
    if asked is not None:
        if asked not in by_name:
            listed = f"It has {', '.join(by_name)}." if by_name else "It has no configs: leave out --config."
            raise DatasetError(f'{name} has no config "{asked}".', listed)
        return by_name[asked]
    usual = [each for each in configs if each.get("default") or each.get("config_name") == "default"]
    if len(by_name) > 1 and not usual:
        listed = ", ".join(by_name)
        raise DatasetError(f"{name} has the configs {listed}.", f"Say which: --config {next(iter(by_name))}.")
    return usual[0] if usual else next(iter(configs), {})


def _splits(name: str, config: Mapping[str, Any], paths: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of a config by split: as its card says, else by the words in their names."""
    folder = f"{str(config['data_dir']).strip('/')}/" if config.get("data_dir") else ""
    found: dict[str, list[str]] = {}
    if config.get("data_files"):
        for split, pattern in _patterns(config["data_files"]):
            matches = re.compile(_as_regex(folder + pattern.removeprefix("./"))).fullmatch
            found.setdefault(split, []).extend(path for path in sorted(paths) if matches(path))
    else:
        data = [path for path in sorted(paths) if is_data(path) and path.startswith(folder)]
        kinds = Counter(_kind(path) for path in data)
        for path in data:
            if _kind(path) == kinds.most_common(1)[0][0]:
                found.setdefault(split_of(path.removeprefix(folder)), []).append(path)
    found = {split: files for split, files in found.items() if files}
    if not found:
        raise DatasetError(f"{name} has no files of data that can be read.", "Look at its files on the hub.")
    return found


def _patterns(data_files: Any) -> Iterator[tuple[str, str]]:
    """Yield split and pattern of what a card says: a pattern, several, or those of each split."""
    if isinstance(data_files, Mapping):
        data_files = [{"split": split, "path": path} for split, path in data_files.items()]
    for each in _listed(data_files):
        if isinstance(each, Mapping):
            yield from ((str(each.get("split", "train")), str(path)) for path in _listed(each.get("path")))
        else:
            yield "train", str(each)


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _as_regex(pattern: str) -> str:
    """Return a pattern of paths as an expression: ** is any folders, * and ? stay in one."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(part) or re.escape(part) for part in parts)


def _kind(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".", 1)[-1]
