"""Fold the write-ahead log into the project file soon after a commit, so that a copy of the one file has everything.

Two seconds after the last commit, or ten after the first where commits keep coming, the log is merged by a thread of
the store's own. That takes some milliseconds and waits for the transaction that is under way.
"""

import threading
import time
from collections.abc import Callable

QUIET_SECONDS = 1.5
LONGEST_SECONDS = 8.0
RETRY_SECONDS = 1.0
"""After how long a merge is tried again that another transaction, or a full disk, did not allow."""


class LogFolder:
    """Calls `fold` after commits were noted; it returns whether it could. The thread begins with the first commit."""

    def __init__(self, fold: Callable[[], bool]) -> None:
        self._fold = fold
        self._state = threading.Condition()
        self._first = self._last = 0.0
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def note_commit(self) -> None:
        """Say that the log holds something now."""
        with self._state:
            self._last = time.monotonic()
            self._first = self._first or self._last
            if self._thread is None and not self._is_closing:
                self._thread = threading.Thread(target=self._run, name="srt log", daemon=True)
                self._thread.start()
            self._state.notify()

    def close(self) -> None:
        """End the thread, after the merge that is under way."""
        with self._state:
            self._is_closing = True
            self._state.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._is_due():
            if not self._fold():
                self._put_off()

    def _is_due(self) -> bool:
        """Wait until the log is to be merged, and note that it is; False where the store is closed before."""
        with self._state:
            while not self._is_closing:
                due = min(self._last + QUIET_SECONDS, self._first + LONGEST_SECONDS) if self._first else None
                left = None if due is None else due - time.monotonic()
                if left is not None and left <= 0:
                    self._first = 0.0
                    return True
                self._state.wait(left)
            return False

    def _put_off(self) -> None:
        """Try again a little later."""
        with self._state:
            self._last = time.monotonic() + RETRY_SECONDS - QUIET_SECONDS
            self._first = self._first or self._last
