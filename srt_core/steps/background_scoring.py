"""Score in the background while a teacher is asked: soon after a rewrite came it is known whether it won its stage."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Self

from srt_core.project.progress import Progress

Score = Callable[[Event], Iterator[Progress]]
"""Scores what has no score yet, and stops soon after the event is set."""

THREAD_NAME = "srt-score-beside"


class BackgroundScoring:
    """Scores in one worker thread, from the first moment of the block on, then once for all news that came meanwhile.

    Whoever owns it calls its methods from one thread.
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self._stop = Event()
        self._worker = ThreadPoolExecutor(1, THREAD_NAME)
        self._ahead: deque[Future[None]] = deque()
        """The round under way and the one that waits: a waiting one will see all news, so there is never a second."""
        self._rounds = 0

    def __enter__(self) -> Self:
        self.notify()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._worker.shutdown(wait=not sys.is_finalizing(), cancel_futures=True)

    @property
    def is_busy(self) -> bool:
        """Whether it scores, or is about to."""
        return any(not each.done() for each in self._ahead)

    def notify(self) -> None:
        """Have it score the candidates that are new."""
        if not any(not (each.running() or each.done()) for each in self._ahead):
            self._ahead.append(self._worker.submit(self._run))

    def rounds(self) -> int:
        """Return how often it has scored all there was so far; raises what ended it, if something has."""
        while self._ahead and self._ahead[0].done():
            self._ahead.popleft().result()
            self._rounds += 1
        return self._rounds

    def _run(self) -> None:
        for _ in self._score(self._stop):
            if self._stop.is_set():
                return
