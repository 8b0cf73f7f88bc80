"""Scoring beside the teacher's calls, in a thread: soon after a rewrite it is known whether it won its stage."""

import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from srt_core.project.progress import Progress

Scoring = Callable[[threading.Event], Iterator[Progress]]
"""Scores what has no score yet, and stops soon after the event is set."""


class _HandedOver:
    """Takes whatever ends its block, for another thread to raise."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return True


class Along:
    """Runs a scoring again and again while there is news for it; does nothing where there is none to run."""

    def __init__(self, scoring: Scoring | None) -> None:
        self._scoring = scoring
        self._stop = threading.Event()
        self._wake = threading.Event()
        # Each of the two is written by one thread only.
        self._told = 0 if scoring is None else 1
        self._scored = 0
        self._ended_by = _HandedOver()
        # A daemon: a run that is left without being closed must not keep the process.
        self._thread = threading.Thread(target=self._run, name="srt-score-along", daemon=True)

    def __enter__(self) -> Self:
        if self._scoring is not None:
            self._wake.set()
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive() and not sys.is_finalizing():
            self._thread.join()

    @property
    def is_busy(self) -> bool:
        """Whether it scores, or is about to."""
        return self._scored < self._told

    @property
    def scored(self) -> int:
        """How much of what it was told it has scored: a number that grows."""
        return self._scored

    def tell(self) -> None:
        """Say that there are new candidates."""
        if self._scoring is not None:
            self._told += 1
            self._wake.set()

    def check(self) -> None:
        """Raise what ended the scoring, if something has."""
        if self._ended_by.error is not None:
            raise self._ended_by.error

    def _run(self) -> None:
        with self._ended_by:
            while self._scoring is not None:
                self._wake.wait()
                self._wake.clear()
                told = self._told
                if self._stop.is_set():
                    return
                for _ in self._scoring(self._stop):
                    if self._stop.is_set():
                        return
                self._scored = told
