"""What a teacher is asked, and what one call gives: a reply, or the reason why there is none."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from srt_core.records import Pair, Stage
from srt_core.reflect.teacher.kinds import CallOutcome
from srt_core.reflect.teacher.settings import Change


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: chat messages, the stage and pair that they are about, and perhaps a JSON schema for the reply."""

    messages: tuple[Mapping[str, str], ...]
    stage: Stage
    pair: Pair
    response_format: Mapping[str, object] | None = None
    examples: tuple[int, ...] = ()
    """The events of the edits that it shows as examples."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is left of a server's rate limits, and the seconds until they are full again. None: not reported."""

    requests: int | None = None
    requests_reset_seconds: float | None = None
    tokens: int | None = None
    tokens_reset_seconds: float | None = None


NO_HEADROOM = Headroom()
ASK_AGAIN_HINT = "Run the step again to ask again."
NOT_RECORDED_HINT = "Record one, or reflect with a teacher that answers live."
LONGEST_WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one call. `text` is the reply, or the start of what was sent instead; None where nothing was sent.

    `detail` is a sentence on what went wrong and `hint` on what to do, both "" for a reply. Token counts are None where
    the endpoint reports none. `retry_after_seconds` is the wait that the server asks for.
    """

    outcome: CallOutcome
    text: str | None = None
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_seconds: float = 0.0
    http_status: int | None = None
    detail: str = ""
    hint: str = ""
    retry_after_seconds: float | None = None
    headroom: Headroom = NO_HEADROOM

    @property
    def asks_for_long(self) -> bool:
        """Whether the server asks for a wait of more than LONGEST_WAIT_SECONDS."""
        return (self.retry_after_seconds or 0.0) > LONGEST_WAIT_SECONDS

    @property
    def is_reply(self) -> bool:
        """Whether the teacher wrote something."""
        return self.outcome is CallOutcome.ANSWERED


class Teacher(Protocol):
    """What answers questions: a live model or a recording."""

    is_live: bool
    """Whether a second call may give another reply; a recording has only one."""

    @property
    def name(self) -> str:
        """The model and its host; never contains a key."""
        ...

    @property
    def model(self) -> str:
        """The model's name, by which its price is found."""
        ...

    changes: Sequence[Change]
    """How requests are put since the teacher refused them as they were asked for; whoever knows some sets them."""

    async def ask(self, ask: Ask) -> Answer:
        """Make one call and return its Answer, whatever the server does; there are no retries here."""
        ...

    def request_hash(self, ask: Ask) -> str:
        """Return the SHA-256 hash (hex) of everything that decides the reply to a request."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


def request_hash(
    model: str,
    messages: Sequence[Mapping[str, str]],
    temperature: float | None,
    max_tokens: int,
    response_format: Mapping[str, object] | None = None,
    extra_body: Mapping[str, object] | None = None,
    examples: Sequence[int] = (),
) -> str:
    """Return the SHA-256 hash (hex) of everything that decides a reply, by which a stored reply is found again."""
    asked: dict[str, object] = {
        "model": model,
        "messages": [dict(message) for message in messages],
        "temperature": None if temperature is None else float(temperature),
        "max_tokens": max_tokens,
    }
    if response_format is not None:
        asked["response_format"] = response_format
    if extra_body:
        asked["extra_body"] = extra_body
    if examples:
        asked["examples"] = list(examples)
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
