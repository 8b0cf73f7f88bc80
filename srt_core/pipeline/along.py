"""Scoring beside the teacher's calls, in a thread: soon after a rewrite it is known whether it won its stage."""

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from srt_core.errors import SRTError
from srt_core.pipeline.progress import Progress

Scoring = Callable[[threading.Event], Iterator[Progress]]
"""Scores what has no score yet, and stops soon after the event is set."""


class Along:
    """Runs a scoring again and again while there is news for it; does nothing where there is none to run."""

    def __init__(self, scoring: Scoring | None) -> None:
        self._scoring = scoring
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._is_dirty = scoring is not None
        self._has_news = False
        self._error: SRTError | None = None
        self._thread: threading.Thread | None = None
        self.progress = Progress("candidates")

    def __enter__(self) -> Self:
        if self._scoring is not None:
            self._wake.set()
            self._thread = threading.Thread(target=self._run, name="srt-score-along", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def is_busy(self) -> bool:
        """Whether it scores, or is about to."""
        return self._is_dirty

    def tell(self) -> None:
        """Say that there are new candidates. SRTError where scoring failed."""
        if self._error is not None:
            raise self._error
        if self._scoring is not None:
            self._is_dirty = True
            self._wake.set()

    def take_news(self) -> bool:
        """Whether a scoring came to its end since this was asked last. SRTError where it failed."""
        if self._error is not None:
            raise self._error
        news, self._has_news = self._has_news, False
        return news

    def _run(self) -> None:
        if self._scoring is None:
            return
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                for self.progress in self._scoring(self._stop):  # noqa: B020 - what is shown is the latest
                    if self._stop.is_set():
                        break
            except SRTError as error:
                self._error = error
                return
            self._has_news = True
            if not self._wake.is_set():
                self._is_dirty = False
