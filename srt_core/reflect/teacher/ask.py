"""What a teacher is asked, and what comes back of one call: a reply, or what came in its place."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from srt_core.records import Pair, Stage


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: chat messages, the stage and pair that they are about, perhaps a JSON schema to answer in."""

    messages: tuple[Mapping[str, str], ...]
    stage: Stage
    pair: Pair
    response_format: Mapping[str, object] | None = None


class CallOutcome(StrEnum):
    """What became of a call; the list is closed. Only ANSWERED brings a reply."""

    ANSWERED = "answered"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    CONNECTION_BROKE = "connection_broke"
    NO_COMPLETION = "no_completion"
    """The server said that all is well and sent something else than a chat completion with a text."""
    REQUEST_REFUSED = "request_refused"
    TOO_LONG = "too_long"
    """The request does not fit into the model's context."""
    CONTENT_FILTER = "content_filter"
    SETTING_REFUSED = "setting_refused"
    """The server wants the request in other words, and gets it so from now on."""
    FORMAT_REFUSED = "format_refused"
    """The server does not take a JSON schema."""
    NOT_RECORDED = "not_recorded"
    UNREACHABLE = "unreachable"
    KEY_REFUSED = "key_refused"
    UNKNOWN_MODEL = "unknown_model"
    QUOTA_SPENT = "quota_spent"

    @property
    def passes(self) -> bool:
        """Whether the same request may well be answered a moment later."""
        return self in _PASSING

    @property
    def stops(self) -> bool:
        """Whether every further call would come to the same."""
        return self in _STOPPING

    @property
    def is_about_one(self) -> bool:
        """Whether it says something of this request only, and nothing of the server's health."""
        return self in (CallOutcome.TOO_LONG, CallOutcome.CONTENT_FILTER, CallOutcome.NOT_RECORDED)


_PASSING = frozenset({
    CallOutcome.RATE_LIMITED, CallOutcome.SERVER_ERROR, CallOutcome.TIMED_OUT, CallOutcome.CONNECTION_BROKE,
    CallOutcome.NO_COMPLETION, CallOutcome.SETTING_REFUSED, CallOutcome.UNREACHABLE,
})  # fmt: skip
_STOPPING = frozenset({
    CallOutcome.KEY_REFUSED, CallOutcome.UNKNOWN_MODEL, CallOutcome.QUOTA_SPENT, CallOutcome.UNREACHABLE,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Headroom:
    """What a server says is left of its limits: a number, and the seconds until it is full again. None: not said."""

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
    """What came back of one call. `text` is the reply, or the start of what came in its place; None where nothing did.

    `detail` is a sentence on what went wrong and `hint` what to do, both "" for a reply. Token counts are None where
    the endpoint gives none. `retry_after_seconds`: how long the server asks to be left alone.
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
        """Whether the server asks to be left alone for longer than anybody waits."""
        return (self.retry_after_seconds or 0.0) > LONGEST_WAIT_SECONDS

    @property
    def is_reply(self) -> bool:
        """Whether the teacher wrote something."""
        return self.outcome is CallOutcome.ANSWERED


class Teacher(Protocol):
    """What answers a question. `name` says which model where, and never holds a key."""

    is_live: bool
    """Whether another call may bring another reply: a recording has the one that it has."""

    @property
    def name(self) -> str:
        """The model and where it answers."""
        ...

    @property
    def model(self) -> str:
        """The model's name, by which its price is known."""
        ...

    async def ask(self, ask: Ask) -> Answer:
        """Make one call. Whatever the server does becomes an Answer; nothing is tried again here."""
        ...

    def request_hash(self, ask: Ask) -> str:
        """Identify a request by all that decides its reply: SHA-256 in hex."""
        ...

    async def close(self) -> None:
        """Return back connections."""
        ...


def request_hash(
    model: str,
    messages: Sequence[Mapping[str, str]],
    temperature: float,
    max_tokens: int,
    response_format: Mapping[str, object] | None = None,
) -> str:
    """Identify a request, so that a stored reply is not asked for again: SHA-256 in hex over all that decides it."""
    asked: dict[str, object] = {
        "model": model,
        "messages": [dict(message) for message in messages],
        "temperature": float(temperature),
        "max_tokens": max_tokens,
    }
    if response_format is not None:
        asked["response_format"] = response_format
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
