"""The requests of a run that wait for a call, for another try, or for their reply; each request is there once."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count

from srt_core.reflect.keeping import ReflectionTask, Request
from srt_core.reflect.prompts import ReplyFormat


@dataclass(slots=True, eq=False)
class PendingCall:
    """A request from the moment it is ready until its reply is parsed, with all tasks that need that reply.

    `prompt_tokens` is estimated from the text; `tokens` adds the expected length of the reply. `tries` counts the calls
    made for it, `began` is when the latest one started (monotonic seconds).
    """

    request: Request
    form: ReplyFormat
    tasks: list[ReflectionTask]
    prompt_tokens: float
    tokens: float = 0.0
    tries: int = 0
    began: float = 0.0

    @property
    def hash(self) -> str:
        """The hash of the request."""
        return self.request.hash


class CallQueue:
    """Pending calls by request hash. A call stays here while it is under way, so that equal requests join it."""

    def __init__(self) -> None:
        self._by_hash: dict[str, PendingCall] = {}
        self._ready: deque[PendingCall] = deque()
        self._waiting: list[tuple[float, int, PendingCall]] = []
        """A heap: when the call is due, then the order of insertion, because calls themselves cannot be compared."""
        self._order = count()
        self._lookups: list[set[str]] = []

    @property
    def ready(self) -> int:
        """How many calls could start at once."""
        return len(self._ready)

    @property
    def is_empty(self) -> bool:
        """Whether no call is ready and none waits for another try."""
        return not (self._ready or self._waiting)

    @property
    def tasks(self) -> Iterator[ReflectionTask]:
        """The tasks of all pending calls, those under way included."""
        return (task for call in self._by_hash.values() for task in call.tasks)

    @contextmanager
    def lookup(self) -> Iterator[set[str]]:
        """Yield a set that collects the requests that are answered while the block runs.

        A look-up of stored replies runs in a thread. A reply that is stored and parsed meanwhile may be missing from
        what the thread read, and its call has left the queue, so its request must not be asked a second time.
        """
        answered: set[str] = set()
        self._lookups.append(answered)
        try:
            yield answered
        finally:
            self._lookups = [each for each in self._lookups if each is not answered]

    def add(self, call: PendingCall, *, first: bool = False) -> None:
        """Queue a call, `first` before all others; where its request is pending already, its tasks join that one."""
        if same := self._by_hash.get(call.hash):
            same.tasks += call.tasks
            return
        self._by_hash[call.hash] = call
        (self._ready.appendleft if first else self._ready.append)(call)

    def next(self, now: float) -> PendingCall | None:
        """Take the call to make next: one that has waited long enough, else one that is ready; None for none."""
        if self._waiting and self._waiting[0][0] <= now:
            return heappop(self._waiting)[2]
        return self._ready.popleft() if self._ready else None

    def put_back(self, call: PendingCall) -> None:
        """Return a call that `next` gave and that could not start; it stays the next one."""
        if call.tries:  # it came from the heap, where a due time of 0 makes it the first again
            self.retry_at(0.0, call)
        else:
            self._ready.appendleft(call)

    def retry_at(self, due: float, call: PendingCall) -> None:
        """Queue a call that failed for another try at `due` (monotonic seconds)."""
        heappush(self._waiting, (due, next(self._order), call))

    def wait(self, now: float) -> float:
        """Return the seconds until a call is due, infinite where there is none."""
        if self._ready:
            return 0.0
        return self._waiting[0][0] - now if self._waiting else math.inf

    def remove(self, call: PendingCall) -> None:
        """Drop a call that ended without a result for its tasks."""
        del self._by_hash[call.hash]

    def finish(self, call: PendingCall) -> None:
        """Drop a call whose result is known, and tell the look-ups under way."""
        self.remove(call)
        for answered in self._lookups:
            answered.add(call.hash)

    def withdraw(self, form: ReplyFormat) -> list[PendingCall]:
        """Take out the calls that have to be written again for another form of reply: those not under way.

        All ready calls, and those waiting for another try that do not ask for `form`.
        """
        other = [call for *_, call in self._waiting if call.form is not form]
        self._waiting = [each for each in self._waiting if each[2].form is form]
        heapify(self._waiting)
        taken = [*other, *self._ready]
        self._ready.clear()
        return taken
