"""What stands before a pair in its conversation: a system text and earlier turns, given and never rewritten."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user or the assistant said before."""

    role: Role
    text: str


@dataclass(frozen=True)
class Context:
    """A system text ("" for none) and the earlier turns, the first one first."""

    system: str = ""
    turns: tuple[Turn, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.system or self.turns)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The context as chat messages with role and content."""
        spoken = [{"role": str(turn.role), "content": turn.text} for turn in self.turns]
        return [{"role": str(Role.SYSTEM), "content": self.system}, *spoken] if self.system else spoken

    @property
    def roles(self) -> tuple[Role, ...]:
        """Who speaks, in their order."""
        return (*((Role.SYSTEM,) if self.system else ()), *(turn.role for turn in self.turns))

    @cached_property
    def json(self) -> str | None:
        """The messages as the text that is stored and hashed; None for no context."""
        return json.dumps(self.messages, ensure_ascii=False) if self else None

    @staticmethod
    def from_json(text: str | None) -> "Context":
        """Return the context that `json` wrote."""
        return NO_CONTEXT if text is None else _parse(text)

    @staticmethod
    def from_messages(messages: Sequence[Mapping[str, str]]) -> "Context":
        """Return the context of chat messages; the first may be of the system, the others are of user or assistant."""
        has_system = bool(messages) and messages[0]["role"] == Role.SYSTEM
        spoken = messages[1:] if has_system else messages
        turns = tuple(Turn(Role(message["role"]), message["content"]) for message in spoken)
        return Context(messages[0]["content"] if has_system else "", turns)


NO_CONTEXT = Context()


@lru_cache(maxsize=256)
def _parse(text: str) -> Context:
    """Parse a stored context: whole sets share one system text."""
    return Context.from_messages(json.loads(text))
