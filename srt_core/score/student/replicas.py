"""Copies of a model that share its weights, so that no two computations share anything else.

Some models keep something from one call to the next: a rotary embedding that depends on the length of the text stores
its frequencies in a buffer. Two threads would then use each other's, and a text would get what the one before it left.
"""

import copy
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Replicas:
    """As many copies of a model as there are threads that compute with it at one time."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._free: deque[tuple[Any, list[_State]]] = deque()

    @contextmanager
    def one(self) -> Iterator[Any]:
        """Yield a copy that no other thread has, in the state that the model had before its first call."""
        try:
            replica, states = self._free.pop()
        except IndexError:
            replica = _copied(self._model)
            states = [_State(module) for module in replica.modules() if next(module.parameters(), None) is None]
        try:
            yield replica
        finally:
            for state in states:
                state.restore()
            self._free.append((replica, states))


class _State:
    """The attributes and buffers of a module without weights."""

    def __init__(self, module: "torch.nn.Module") -> None:
        self._module = module
        self._attributes = dict(vars(module))
        self._buffers = _cloned(module._buffers)

    def restore(self) -> None:
        own = vars(self._module)
        own.clear()
        own.update(self._attributes, _buffers=_cloned(self._buffers))


def _copied(model: Any) -> Any:
    """Return a copy whose parameters are those of the model; buffers are its own."""
    return copy.deepcopy(model, {id(weight): weight for weight in model.parameters()})


def _cloned(buffers: "dict[str, torch.Tensor | None]") -> "dict[str, torch.Tensor | None]":
    return {name: None if buffer is None else buffer.clone() for name, buffer in buffers.items()}
