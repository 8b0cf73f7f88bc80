"""The event loop in which teachers are called, a step at a time."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

Result = TypeVar("Result")


class EventLoop(asyncio.Runner):
    """Runs one coroutine after the other; an interrupt ends a step as KeyboardInterrupt, whenever it comes."""

    def run(self, coro: Coroutine[Any, Any, Result], *, context: Context | None = None) -> Result:
        """Run a step to its end and return what it returns.

        A Runner forgets an interrupt that comes while it starts a step: it listens before it sets its count of them to
        zero. What is left is a step that was cancelled, and nothing else here cancels one.
        """
        try:
            return super().run(coro, context=context)
        except asyncio.CancelledError as error:
            raise KeyboardInterrupt from error
