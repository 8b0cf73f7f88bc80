"""Look for every mark in every sample that was not looked at by its present version, and store what is found.

What is a function of one sample is looked for a chunk at a time, and each chunk is committed with how far it came: a
run that was killed goes on there. A relation of samples to others is looked for among all of them whenever there are
new ones, and written once, at its end; until then the old finds stand.
"""

from collections.abc import Iterator, Sequence
from threading import Event

from srt_core.importing.marks.mark import Mark
from srt_core.importing.marks.originals import list_originals, read_originals
from srt_core.importing.marks.registry import MARKS
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction

CHUNK = 2_000
WRITTEN = 50_000


def find_marks(store: Store, marks: Sequence[Mark] = MARKS, *, stop: Event | None = None) -> Iterator[Progress]:
    """Look for these marks until all have looked at all samples, also at those that come meanwhile.

    Yields progress in samples, from 0 again for each pass over them.
    """
    stop = stop or Event()
    _begin(store, marks)
    while not stop.is_set() and (behind := _behind(store, marks)):
        functions = {mark: until for mark, until in behind.items() if mark.function}
        yield from _pass(store, functions, stop) if functions else _relate(store, next(iter(behind)), stop)


def forget(tx: Transaction, numbers: Sequence[int]) -> None:
    """Forget the marks of samples that leave the project; relations are looked for again among those that stay."""
    tx.execute("DELETE FROM mark WHERE seq IN (SELECT unnest(?::BIGINT[]))", [list(numbers)])
    relations = [mark.name for mark in MARKS if mark.relation]
    tx.execute("UPDATE mark_progress SET until = 0 WHERE list_contains(?::VARCHAR[], mark)", [relations])


def _begin(store: Store, marks: Sequence[Mark]) -> None:
    """Forget what another version found, and note that this one has looked at nothing yet."""
    known = {row["mark"]: row["version"] for row in store.rows("SELECT mark, version FROM mark_progress")}
    changed = [mark for mark in marks if known.get(mark.name) != mark.version]
    if not changed:
        return
    with store.transaction() as tx:
        for mark in changed:
            tx.execute("DELETE FROM mark WHERE mark = ?", [mark.name])
            _note(tx, mark, 0)


def _note(tx: Transaction, mark: Mark, until: int) -> None:
    tx.execute(
        """INSERT INTO mark_progress VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET version = excluded.version, until = excluded.until""",
        [mark.name, mark.version, until],
    )


def _last(store: Store) -> int:
    return int(store.value("SELECT coalesce(max(seq), 0) FROM sample"))


def _behind(store: Store, marks: Sequence[Mark]) -> dict[Mark, int]:
    """Return the marks that have not looked at all samples yet, each with the last number that it looked at."""
    rows = store.rows("SELECT mark, until FROM mark_progress")
    until = {row["mark"]: row["until"] for row in rows}
    last = _last(store)
    return {mark: until[mark.name] for mark in marks if until[mark.name] < last}


def _pass(store: Store, behind: dict[Mark, int], stop: Event) -> Iterator[Progress]:
    """Take the marks that are farthest behind to the next ones, or to the last sample."""
    low = min(behind.values())
    marks = [mark for mark, until in behind.items() if until == low]
    goal = min([until for until in behind.values() if until > low], default=_last(store))
    with store.workspace() as work:
        progress = Progress("samples", total=list_originals(work, low, goal), message="Marks of each sample")
        yield progress
        for offset in range(0, progress.total or 0, CHUNK):
            samples = read_originals(work, offset, CHUNK)
            found = [
                (sample.seq, mark.name, mark.version, detail)
                for sample in samples
                for mark in marks
                if mark.function and (detail := mark.function(sample)) is not None
            ]
            with store.transaction() as tx:
                tx.append("mark", ["seq", "mark", "version", "detail"], found)
                for mark in marks:
                    _note(tx, mark, samples[-1].seq)
            progress = progress.moved(len(samples), message=progress.message)
            yield progress
            if stop.is_set():
                return
    with store.transaction() as tx:  # where the last numbers are of no sample any more
        for mark in marks:
            _note(tx, mark, goal)


def _relate(store: Store, mark: Mark, stop: Event) -> Iterator[Progress]:
    """Look for a relation among all samples, and put what is found in the place of what was found before."""
    last = _last(store)
    progress = Progress("samples", total=int(store.value("SELECT count(*) FROM sample")), message=mark.label)
    yield progress
    with store.workspace() as work:
        for looked_at in mark.relation(work, stop) if mark.relation else ():
            progress = progress.moved(looked_at, message=progress.message)
            yield progress
        if stop.is_set():
            return
        with store.transaction() as tx:
            tx.execute("DELETE FROM mark WHERE mark = ?", [mark.name])
            for rows in _related(work):
                tx.append("mark", ["seq", "mark", "version", "detail"],
                          [(seq, mark.name, mark.version, detail) for seq, detail in rows])  # fmt: skip
            _note(tx, mark, last)


def _related(work: Transaction) -> Iterator[list[tuple[int, str]]]:
    total = work.execute("SELECT count(*) FROM related")[0][0]
    for offset in range(0, total, WRITTEN):
        yield work.execute("SELECT seq, detail FROM related WHERE rowid >= ? AND rowid < ?", [offset, offset + WRITTEN])
