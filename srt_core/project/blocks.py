"""The blocks of a project file, each with its checksum: damage is found in those too that no statement reads.

DuckDB checks a block when it reads it, and reads those of an index only where somebody asks for the right key. So the
file is read from its beginning to its end here, and each block summed up as DuckDB does:

    headers   three of 4,096 bytes, then blocks of one size
    block     a checksum (8 bytes, little-endian), then what it is of: 64-bit words, each times FACTOR modulo 2^64,
              joined by exclusive or, and that by exclusive or with SEED
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from srt_core.project.checking import SHOWN, Check, Fault
from srt_core.project.creation import table_columns
from srt_core.project.store import Store

HEADERS, HEADER_BYTES = 3, 4096
FACTOR, SEED = np.uint64(0xBF58476D1CE4E5B9), np.uint64(5381)


def _is_known_layout(file: BinaryIO) -> bool:
    """Return whether the headers, which DuckDB has found whole, are summed up as here: another version may differ."""
    file.seek(0)
    return all(_is_whole(file.read(HEADER_BYTES)) for _ in range(HEADERS))


def _damaged(file: BinaryIO, size: int, number: int) -> Iterator[int]:
    """Yield the numbers of the blocks, of so many of one size in bytes, that are not as they were written."""
    file.seek(HEADERS * HEADER_BYTES)
    for place in range(number):
        block = file.read(size)
        if len(block) < size or not _is_whole(block):
            yield place


def _is_whole(block: bytes) -> bool:
    words = np.frombuffer(block, dtype="<u8")
    return bool(words[0] == np.bitwise_xor.reduce(words[1:] * FACTOR) ^ SEED)


def _find(store: Store) -> Iterator[Fault]:
    size = store.rows("SELECT block_size, total_blocks FROM pragma_database_size() WHERE database_size <> '0 bytes'")[0]
    with store.at_rest() as file:
        if not _is_known_layout(file):
            yield Fault("blocks: this version of DuckDB lays them out in another way; they were not looked at")
            return
        damaged = list(_damaged(file, size["block_size"], size["total_blocks"]))
    if damaged:
        yield Fault("blocks of the file are damaged", len(damaged), _describe(store, damaged[:SHOWN]))


def _describe(store: Store, blocks: Sequence[int]) -> list[str]:
    """Say what stands in blocks."""
    holds: dict[int, set[str]] = {block: set() for block in blocks}
    for table in sorted({table for table, _, _ in table_columns()}):
        for row in store.rows(
            """SELECT DISTINCT column_name, unnest(list_append(coalesce(additional_block_ids, []), block_id)) AS block
               FROM pragma_storage_info(?)""",
            [table],
        ):
            if row["block"] in holds:
                holds[row["block"]].add(f"{table}.{row['column_name']}")
    return [
        f"{block} holds {', '.join(sorted(found)) or 'an index, or nothing that is in use'}"
        for block, found in holds.items()
    ]


BLOCKS = Check("blocks of the file", _find)
