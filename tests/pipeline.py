"""Rows imported into a project and a student that counts, for tests of the long steps."""

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from srt_core.importing.run import import_file
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import Loss
from srt_core.score.student import Pack, Student
from tests.reflecting import walk
from tests.tiny_students import byte_tokenizer, tiny_llama

CONTENT = {
    "sample": 'SELECT sample_id, "row", duplicate_of, extra, conversation FROM sample ORDER BY seq',
    "candidate": "SELECT sample_id, origin, producer, instruction, input, response FROM candidate ORDER BY ALL",
    "import_row": 'SELECT import_id, "row", pair_hash, sample_id FROM import_row ORDER BY "row"',
    "reject": 'SELECT import_id, "row", line, lines, reason, detail, raw FROM reject ORDER BY "row"',
}
"""What an import brings, apart from times and numbers that count upwards."""


class CountingStudent(Student):
    """A real student that counts what it is asked."""

    requests = 0
    seen: frozenset[Pack] = frozenset()

    def run(self, packs: Iterable[Pack]) -> Generator[tuple[Pack, list[Loss]], None, None]:
        """Count, then answer."""

        def counted() -> Iterator[Pack]:
            for pack in packs:
                self.requests += len(pack)
                self.seen |= {pack}
                yield pack

        return super().run(counted())


def counting_student() -> CountingStudent:
    tokenizer = byte_tokenizer(has_bos=True)
    return CountingStudent(tiny_llama(len(tokenizer)), tokenizer, "tiny")


def content(store: Store) -> dict[str, list[Row]]:
    return {table: store.rows(sql) for table, sql in CONTENT.items()}


def import_rows(store: Store, rows: Sequence[object], name: str = "data.jsonl", **options: Any) -> Progress:
    """Write rows as JSON Lines, a text as it is, and import them."""
    path = store.path.parent / name
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return walk(import_file(store, path, **options))[-1]
