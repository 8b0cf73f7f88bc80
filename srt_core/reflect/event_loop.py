"""The event loop in which teachers are called, a step at a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class EventLoop:
    """Runs one coroutine after the other; an interrupt ends a step as KeyboardInterrupt, whenever it comes."""

    def __init__(self) -> None:
        """Make a loop, to be closed."""
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, step: Coroutine[Any, Any, Result]) -> Result:
        """Run a step to its end and return what it returns.

        asyncio forgets an interrupt that comes while it starts a step: it listens before it sets its count of them to
        zero. What is left is a step that was cancelled, and nothing else here cancels one.
        """
        try:
            return self._runner.run(step)
        except asyncio.CancelledError as error:
            raise KeyboardInterrupt from error

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()
