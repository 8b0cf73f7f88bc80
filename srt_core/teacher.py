"""The teacher: one reflection call to an OpenAI-compatible chat endpoint, or the replay of recorded replies.

The only module that imports openai, and only when a call is made. What a server sends is never trusted: a body of any
other shape than a chat completion becomes a TeacherError that names what came, and the key is taken out of every text.
"""

import asyncio
import hashlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from srt_core.errors import TeacherError, TeacherStopError
from srt_core.records import Pair, Stage

if TYPE_CHECKING:
    import openai

OPENAI_HOST: Final = "api.openai.com"
NO_KEY: Final = "no-key"
"""Sent to a server that needs no key: the client refuses to send none."""

REAL_KEY_CHARACTERS: Final = 16
"""A shorter one is a dummy such as `EMPTY`, and may well be a word of an answer."""

STOP_CODES: Final = frozenset({
    "insufficient_quota", "model_not_found", "invalid_api_key", "unsupported_parameter", "unsupported_value"
})  # fmt: skip
"""Error codes that every further call would get as well."""

CONNECT_SECONDS: Final = 10
SHOWN_CHARACTERS: Final = 200
"""How much of what a server said goes into an error."""

REPLAY_FIELDS: Final = ("stage", "instruction", "input", "response", "reply", "finish_reason")


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a teacher: the chat messages, and the stage and pair that they are about."""

    messages: tuple[Mapping[str, str], ...]
    stage: Stage
    pair: Pair


@dataclass(frozen=True, slots=True)
class Reply:
    """One raw reply. Token counts are None where the endpoint gives none."""

    text: str
    finish_reason: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_seconds: float


class Teacher(Protocol):
    """What answers a question. `name` says which model where, and never holds a key."""

    @property
    def name(self) -> str:
        """The model and where it answers."""
        ...

    async def ask(self, ask: Ask) -> Reply:
        """Answer one question.

        Raises:
            TeacherError: this call failed; another may succeed.
            TeacherStopError: every further call would fail too.
        """
        ...

    def request_hash(self, ask: Ask) -> str:
        """Identify a request by all that decides its reply: SHA-256 in hex."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


def request_hash(model: str, messages: Sequence[Mapping[str, str]], temperature: float, max_tokens: int) -> str:
    """Identify a request, so that a stored reply is not asked for again: SHA-256 in hex over all that decides it."""
    asked = {"model": model, "messages": [dict(message) for message in messages]}
    settings = {"temperature": float(temperature), "max_tokens": max_tokens}
    return hashlib.sha256(json.dumps(asked | settings, sort_keys=True).encode()).hexdigest()


class OpenAITeacher:
    """A chat model behind an OpenAI-compatible endpoint.

    `deadline_seconds` bounds a whole call with its `max_retries` retries. The key is read from the environment variable
    that `api_key_variable` names; a server other than OpenAI's may do without one.

    Raises:
        TeacherStopError: the address is no http(s) address, or the key is missing or cannot be one.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key_variable: str = "OPENAI_API_KEY",
        temperature: float = 0.0,
        max_tokens: int = 2048,
        deadline_seconds: float = 120,
        max_retries: int = 2,
    ) -> None:
        self.model = model
        self.api_key_variable = api_key_variable
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.deadline_seconds = deadline_seconds
        self.max_retries = max_retries
        self._base_url = base_url
        self._host, self._place, password = _read_address(base_url)
        self._key = _read_key(api_key_variable, self._host)
        self._secrets = tuple(secret for secret in (self._key, password) if secret and secret != NO_KEY)
        self._client: openai.AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """The model and its host, such as `gpt-x at api.openai.com`."""
        return f"{self.model} at {self._place}"

    def __repr__(self) -> str:
        return f"OpenAITeacher({self.name!r})"

    async def ask(self, ask: Ask) -> Reply:
        """Send one chat completion request and read its reply.

        Raises:
            TeacherError: no usable reply within the deadline, or a reply of an unexpected shape.
            TeacherStopError: no connection, a refused key, an unknown model, a spent quota.
        """
        import openai

        started = time.monotonic()
        client = self._client_of_this_loop()
        try:
            async with asyncio.timeout(self.deadline_seconds):
                completion: object = await client.chat.completions.create(
                    model=self.model,
                    messages=[dict(message) for message in ask.messages],  # type: ignore[misc]
                    temperature=self.temperature,
                    max_tokens=self.max_tokens,
                )
        except TimeoutError:
            failure = self._error("gave no whole answer within", f"{self.deadline_seconds:g} seconds")
        except (openai.OpenAIError, ValueError, RecursionError) as error:  # the last two: what JSON or UTF-8 refuse
            failure = self._failure(error)
        else:
            return self._reply(completion, time.monotonic() - started)
        # Raised out here, so that the client's own error, whose text may hold the key, is no part of the traceback.
        raise failure

    def request_hash(self, ask: Ask) -> str:
        """Identify a request by model, messages, temperature and max tokens."""
        return request_hash(self.model, ask.messages, self.temperature, self.max_tokens)

    async def close(self) -> None:
        """Close the connections of this loop's client."""
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.close()
        self._client = self._loop = None

    def _client_of_this_loop(self) -> "openai.AsyncOpenAI":
        """Make the client in the loop that uses it: its connections do not outlive one."""
        import openai

        if self._client is None or self._loop is not asyncio.get_running_loop():
            self._loop = asyncio.get_running_loop()
            self._client = openai.AsyncOpenAI(
                api_key=self._key,
                base_url=self._base_url,
                timeout=openai.Timeout(self.deadline_seconds, connect=CONNECT_SECONDS),
                max_retries=self.max_retries,
                # A proxy named in the environment has no way back to this machine.
                http_client=openai.DefaultAsyncHttpxClient(trust_env=False) if _is_loopback(self._host) else None,
            )
        return self._client

    def _reply(self, completion: object, latency_seconds: float) -> Reply:
        """Read a completion, whatever the server made of it."""
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices:
            raise self._error("sent no chat completion but", repr(completion))
        finish_reason = getattr(choices[0], "finish_reason", None) or ""
        content = getattr(getattr(choices[0], "message", None), "content", None)
        if content is None and finish_reason in ("length", "content_filter"):
            content = ""  # where nothing could be written, the finish reason says why
        text = _joined(content)
        if text is None:
            raise self._error("sent a message whose content is no text but", repr(content))
        usage = getattr(completion, "usage", None)
        return Reply(
            text=self._redacted(text) if len(self._key) >= REAL_KEY_CHARACTERS else text,
            finish_reason=str(finish_reason),
            model=str(getattr(completion, "model", None) or self.model),
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
            latency_seconds=latency_seconds,
        )

    def _failure(self, error: Exception) -> TeacherError:
        """Turn the client's error into ours: does it stop this call or all of them?"""
        import openai

        if isinstance(error, openai.APIConnectionError):
            return self._connection_failure(error)
        if isinstance(error, openai.APIStatusError):
            return self._status_failure(error)
        return self._error("sent something that cannot be read:", f"{type(error).__name__}: {error}")

    def _connection_failure(self, error: Exception) -> TeacherError:
        """Tell a server that is not there from a connection that broke."""
        causes = _causes(error)
        if any(type(cause).__name__ in ("ConnectError", "ConnectTimeout") for cause in causes):
            hint = "Check the address, and that the server runs; finished reflections are kept."
            return self._stop("cannot be reached:", str(causes[-1]), hint)
        return self._error("broke the connection:", str(causes[-1]))

    def _status_failure(self, error: "openai.APIStatusError") -> TeacherError:
        """Judge an error status by its code."""
        said = f"HTTP {error.status_code}, {_server_message(error) or 'no text'}"
        variable = self.api_key_variable
        if error.status_code in (401, 403) or error.code == "invalid_api_key":
            hint = f"Set the environment variable {variable} to a key that this server accepts, then start again."
            return self._stop("refuses the key:", said, hint)
        if error.code == "insufficient_quota":
            return self._stop("says that the quota is spent:", said, "Top up the account or use another teacher.")
        if error.status_code == 404 or error.code == "model_not_found":
            return self._stop("does not know the model or the address:", said, "Check both names; most end in /v1.")
        if error.code in STOP_CODES:
            return self._stop("does not take this kind of request:", said, "Use another model or other settings.")
        return self._error("refused the call:", said)

    def _error(self, happened: str, detail: str) -> TeacherError:
        return TeacherError(self._sentence(happened, detail), "Run the step again to retry it.")

    def _stop(self, happened: str, detail: str, hint: str) -> TeacherStopError:
        return TeacherStopError(self._sentence(happened, detail), hint)

    def _sentence(self, happened: str, detail: str) -> str:
        # The key goes before the detail is shortened, so that no half of it is left.
        line = " ".join(self._redacted(detail).split())
        shortened = line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + " [...]"
        return f"The teacher {self.name} {happened} {shortened.rstrip('.')}."

    def _redacted(self, text: str) -> str:
        """Take the key, and a password in the address, out of a text that a server had a hand in."""
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return text


def _read_address(base_url: str) -> tuple[str, str, str | None]:
    """Read an address: its host, its host with the port, and a password in it. Neither it nor a query is ever shown."""
    try:
        address = urlsplit(base_url)
        host, port = address.hostname, address.port
    except ValueError:
        host = None
    if (
        not host
        or not re.fullmatch(r"[\w.:-]+", host, re.ASCII)
        or re.search(r"[\s\x00-\x1f\x7f]", base_url)
        or address.scheme not in ("http", "https")
    ):
        raise TeacherStopError(
            "The teacher's address is not a web address.", "Give one such as http://127.0.0.1:8000/v1."
        )
    return host, f"{host}:{port}" if port else host, address.password


def _read_key(variable: str, host: str) -> str:
    """Read the key from the environment; a server other than OpenAI's may need none."""
    key = os.environ.get(variable, "").strip()
    if not key and host == OPENAI_HOST:
        raise TeacherStopError(
            f"There is no key: the environment variable {variable} is not set.", "Set it and start again."
        )
    if not re.fullmatch(r"[!-~]*", key):
        raise TeacherStopError(
            f"What the environment variable {variable} holds cannot be a key: it has spaces or letters beyond ASCII.",
            "Set it again.",
        )
    return key or NO_KEY


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _joined(content: object) -> str | None:
    """Join a message's content, a text or a list of text parts; None where it is neither, or cannot be stored."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else getattr(part, "text", None) for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        content = "".join(texts) if texts and len(texts) == len(parts) else None
    return content if isinstance(content, str) and not re.search("[\ud800-\udfff]", content) else None


def _count(usage: object, field: str) -> int | None:
    """Read a token count, if it is one."""
    count = getattr(usage, field, None)
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def _causes(error: BaseException) -> list[BaseException]:
    """List an error and what it came from, the first cause last."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    return causes


def _server_message(error: "openai.APIStatusError") -> str:
    """What the server said of an error: its message where there is one, else its body."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else error.response.text


class ReplayTeacher:
    """Recorded replies in a JSON Lines file, one call a line, found again by the stage and the pair they are about.

    Each line has `stage`, `instruction`, `input`, `response` (the pair reflected on), `reply`, `finish_reason` and
    perhaps `model`. Of several lines about the same pair the last counts: it was the last try.

    Raises:
        TeacherStopError: the file cannot be read, or a line of it is no recorded reply.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies = _read_recording(path)

    @property
    def name(self) -> str:
        """The file that is replayed, without its folder."""
        return f"replay of {self._path.name}"

    async def ask(self, ask: Ask) -> Reply:
        """Give the recorded reply about this pair.

        Raises:
            TeacherError: there is none.
        """
        try:
            return self._replies[ask.stage, ask.pair]
        except KeyError:
            raise TeacherError(
                f"{self._path.name} holds no reply of the {ask.stage} stage about this pair.",
                "Record one, or reflect with a teacher that answers live.",
            ) from None

    def request_hash(self, ask: Ask) -> str:
        """Identify a request by its messages: a recording has no other settings."""
        return request_hash(self.name, ask.messages, 0.0, 0)

    async def close(self) -> None:
        """Do nothing: the file was read whole."""


def record_reply(ask: Ask, reply: Reply) -> dict[str, str]:
    """Write a call as a line of a recording that ReplayTeacher reads (serialise it with json.dumps)."""
    pair = ask.pair
    about = {"stage": str(ask.stage), "instruction": pair.instruction, "input": pair.input, "response": pair.response}
    return about | {"reply": reply.text, "finish_reason": reply.finish_reason, "model": reply.model}


def _read_recording(path: Path) -> dict[tuple[Stage, Pair], Reply]:
    """Read all recorded replies of a file."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TeacherStopError(
            f"The recorded replies {path} cannot be read: {error.strerror}.", "Give a JSON Lines file of replies."
        ) from error
    replies = dict(_read_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    if not replies:
        raise TeacherStopError(f"{path} holds no recorded reply.", "Give a JSON Lines file of replies.")
    return replies


def _read_line(path: Path, number: int, line: bytes) -> tuple[tuple[Stage, Pair], Reply]:
    """Read one recorded reply."""
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _no_recording(path, number, "it is no JSON in UTF-8") from error
    if not isinstance(record, dict):
        raise _no_recording(path, number, "it is no JSON object")
    for field in REPLAY_FIELDS:
        if _joined(record.get(field)) is None:
            raise _no_recording(path, number, f"its {field} is missing or no text")
    if record["stage"] not in list(Stage):
        raise _no_recording(path, number, f"its stage is neither {' nor '.join(Stage)}")
    pair = Pair(record["instruction"], record["response"], record["input"])
    reply = Reply(record["reply"], record["finish_reason"], str(record.get("model", "")), None, None, 0.0)
    return (Stage(record["stage"]), pair), reply


def _no_recording(path: Path, number: int, problem: str) -> TeacherStopError:
    return TeacherStopError(
        f"Line {number} of {path} is no recorded reply: {problem}.", f"It needs the texts {', '.join(REPLAY_FIELDS)}."
    )
