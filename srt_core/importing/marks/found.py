"""Read the marks that were found: their counts, and those of samples."""

from collections.abc import Collection
from dataclasses import dataclass

from srt_core.importing.marks.mark import Mark
from srt_core.importing.marks.registry import BY_NAME, MARKS
from srt_core.project.store import Store


@dataclass(frozen=True, slots=True)
class Found:
    """A mark that a sample has, and why."""

    mark: Mark
    detail: str


@dataclass(frozen=True, slots=True)
class Counted:
    """How many samples have a mark; None where not all were looked at by its present version."""

    mark: Mark
    samples: int | None


def marks_of(store: Store, seqs: Collection[int]) -> dict[int, list[Found]]:
    """Return the marks of samples by their numbers, in the order of MARKS; samples without any are not in it."""
    rows = store.rows("SELECT seq, mark, detail FROM mark WHERE seq IN (SELECT unnest(?::BIGINT[]))", [list(seqs)])
    details = {(row["seq"], row["mark"]): row["detail"] for row in rows}
    found = {
        seq: [Found(mark, details[seq, mark.name]) for mark in MARKS if (seq, mark.name) in details] for seq in seqs
    }
    return {seq: marks for seq, marks in found.items() if marks}


def count_marks(store: Store) -> list[Counted]:
    """Count the samples of each mark, the most frequent first; those that were not looked for come last."""
    rows = store.rows("SELECT mark, count(*) AS samples FROM mark GROUP BY mark")
    samples = {row["mark"]: row["samples"] for row in rows}
    done = {mark.name for mark in MARKS} - set(unlooked(store))
    counts = [Counted(mark, samples.get(mark.name, 0) if mark.name in done else None) for mark in MARKS]
    return sorted(counts, key=lambda each: -1 if each.samples is None else each.samples, reverse=True)


def unlooked(store: Store) -> list[str]:
    """Return the names of the marks whose present version has not looked at every sample yet."""
    last = store.value("SELECT coalesce(max(seq), 0) FROM sample")
    rows = store.rows("SELECT mark, version FROM mark_progress WHERE until >= ?", [last])
    looked = {row["mark"]: row["version"] for row in rows}
    return [name for name, mark in BY_NAME.items() if last and looked.get(name) != mark.version]
