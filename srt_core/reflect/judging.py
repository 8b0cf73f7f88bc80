"""The judgements of a run that are not in the project file yet."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from srt_core.project.store import Store
from srt_core.reflect.keeping import Judgement, ReflectionTask, store_judgements

COMMIT_SECONDS = 0.5
"""Judgements are committed this often, many at once: each takes ten statements, and its reply is already stored."""


StoreJudgements = Callable[[Store, str, Sequence[Judgement]], None]
"""Commits judgements on the replies of a producer; a trial has nothing to commit."""


class PendingJudgements:
    """Judgements that wait for their commit, and those of the commit under way."""

    def __init__(self, store: Store, producer: str, store_judgements: StoreJudgements = store_judgements) -> None:
        self._store, self._producer, self._store_judgements = store, producer, store_judgements
        self._waiting: list[Judgement] = []
        self._being_committed: list[Judgement] = []
        self._committed_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def tasks(self) -> Iterator[ReflectionTask]:
        """The tasks that the project file does not know to be judged."""
        return (each.task for each in (*self._waiting, *self._being_committed))

    def add(self, judgements: Iterable[Judgement]) -> None:
        """Take judgements for the next commit."""
        self._waiting.extend(judgements)

    def wait(self, now: float) -> float:
        """Return the seconds until the next commit is due; not positive where it is."""
        return self._committed_at + COMMIT_SECONDS - now

    async def commit(self, now: float) -> list[Judgement]:
        """Commit what waits, in a thread, and return it. Its tasks stay in `tasks` until `forget`."""
        self._committed_at = now
        self._being_committed, self._waiting = self._waiting, []
        await asyncio.to_thread(self._store_judgements, self._store, self._producer, self._being_committed)
        return self._being_committed

    def forget(self) -> None:
        """Drop the judgements of the last commit, once whatever follows from them is queued."""
        self._being_committed = []
