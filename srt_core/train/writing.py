"""Writes pairs as the folder of an export that `read_export` reads: what is trained on by itself, outside of Export."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from srt_core.export.files import make_folder, sha256_of
from srt_core.export.formats.writing import Fields, replacing, write_lines
from srt_core.export.written import MANIFEST
from srt_core.project.candidates import pairs
from srt_core.project.store import Store
from srt_core.records import Pair
from srt_core.score.prompts import NotCarriedError, Prompts

_CHUNK = 500

NamedPair = tuple[str, Pair]
"""A sample's id and a pair of it."""


def write_pairs(
    folder: Path, parts: Mapping[str, Iterable[NamedPair]], prompts: Prompts, said: Mapping[str, object]
) -> None:
    """Write each part as a file of that name, and a manifest that says what is said besides.

    A pair whose context the template cannot carry is counted there as left out. ExportError: the folder cannot be
    written.
    """
    make_folder(folder)
    files = {}
    for name, found in parts.items():
        left_out: list[str] = []
        with replacing(folder / name) as file:
            rows = write_lines(file, _lines(found, prompts, left_out))
        files[name] = {"rows": rows, "sha256": sha256_of(folder / name), "left_out": {"not carried": len(left_out)}}
    with replacing(folder / MANIFEST) as file:  # last: a folder with a manifest is whole
        file.write(json.dumps({"files": files, **said}, indent=2, ensure_ascii=False).encode())


def _lines(found: Iterable[NamedPair], prompts: Prompts, left_out: list[str]) -> Iterator[Fields]:
    for name, pair in found:
        try:
            prompt = prompts.prompt(pair)
        except NotCarriedError:
            left_out.append(name)
            continue
        yield {"prompt": prompt, "completion": pair.response, "sample_id": name}


def candidate_pairs(store: Store, ids: Sequence[int]) -> Iterator[NamedPair]:
    """Yield the pairs of candidates with their samples, in the order of `ids`, read in chunks."""
    for first in range(0, len(ids), _CHUNK):
        chunk = ids[first : first + _CHUNK]
        rows = store.rows(
            "SELECT candidate_id, sample_id FROM candidate WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))",
            [list(chunk)],
        )
        names = {row["candidate_id"]: row["sample_id"] for row in rows}
        texts = pairs(store, chunk)
        yield from ((names[each], texts[each]) for each in chunk)
