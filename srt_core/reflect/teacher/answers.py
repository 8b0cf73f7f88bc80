"""Read what a server sent into an Answer, whatever it is. Nothing here is ever trusted to have a shape.

A body of any other shape than a chat completion is kept as text and named in a sentence; an error is judged by its
code, its status and, where servers differ, its words.
"""

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from srt_core.reflect.teacher.address import Key
from srt_core.reflect.teacher.ask import ASK_AGAIN_HINT, Answer, CallOutcome, Headroom

KEPT_CHARACTERS: Final = 20_000
"""How much is kept of a body that is no reply."""

_STOPPING_HINTS: Mapping[CallOutcome, str] = {
    CallOutcome.QUOTA_SPENT: "Top up the account or use another teacher, then go on.",
    CallOutcome.UNKNOWN_MODEL: "Check the model's name and the address; most end in /v1.",
    CallOutcome.UNREACHABLE: "Check the address, and that the server runs; finished reflections are kept.",
}
_SAID: Mapping[CallOutcome, str] = {
    CallOutcome.KEY_REFUSED: "refuses the key",
    CallOutcome.QUOTA_SPENT: "says that the quota is spent",
    CallOutcome.UNKNOWN_MODEL: "does not know the model or the address",
    CallOutcome.UNREACHABLE: "cannot be reached",
    CallOutcome.RATE_LIMITED: "asks for fewer calls",
    CallOutcome.SERVER_ERROR: "failed",
    CallOutcome.TOO_LONG: "finds the request too long",
    CallOutcome.CONTENT_FILTER: "withheld its reply",
    CallOutcome.FORMAT_REFUSED: "does not take a JSON schema",
    CallOutcome.SETTING_REFUSED: "wants the request in other words",
    CallOutcome.REQUEST_REFUSED: "refused the call",
    CallOutcome.CONNECTION_BROKE: "broke the connection",
    CallOutcome.TIMED_OUT: "gave no whole answer in time",
    CallOutcome.NO_COMPLETION: "sent no reply",
}

_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_NO_MODEL = re.compile(
    r"(model|server)\b.{0,200}(does not exist|not found|not exist|unknown|no such|not supported|pinned to)|"
    r"(unknown|invalid|no such|not a valid) model\b", re.I | re.S)  # fmt: skip
_TOO_LONG = re.compile(r"context[ _](length|window)|maximum (context|sequence|model) length|too many tokens|"
                       r"(prompt|input|request) is too long|maximum prompt", re.I)  # fmt: skip
_FORMAT = re.compile(r"response_?format|json_?schema|structured output|guided", re.I)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what one teacher sends; `name` begins its sentences."""

    name: str
    key: Key
    model: str

    def completion(
        self, body: bytes, latency_seconds: float, headers: Mapping[str, str], charset: str | None = None
    ) -> Answer:
        """Read the body of an answer that says that all is well: JSON in UTF-8, or in the charset that it names."""
        text = body.decode("utf-8", errors="replace")
        try:
            found: object = json.loads(_decoded(body, charset))
        except (ValueError, RecursionError) as error:
            said = f"what came is no JSON ({type(error).__name__}): {text}" if text.strip() else "an empty body came"
            return self._no_completion(text, said, latency_seconds, headers)
        return self.completion_object(found, latency_seconds, headers)

    def completion_object(
        self, found: object, latency_seconds: float | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Read a chat completion from what its JSON holds."""
        seconds = latency_seconds or 0.0
        shown = json.dumps(found, ensure_ascii=False)
        choices = _at(found, "choices")
        if not isinstance(choices, list) or not choices:
            error = _at(found, "error")
            said = f"an error: {_message(error)}" if error else f"no chat completion but {shown}"
            return self._no_completion(shown, said, seconds, headers)
        finish_reason = _at(choices[0], "finish_reason") or ""
        message = _at(choices[0], "message")
        content = _at(message, "content")
        if content is None and finish_reason in ("length", "content_filter"):
            content = ""  # where nothing could be written, the finish reason says why
        if content is None and isinstance(_at(message, "refusal"), str):
            content = _at(message, "refusal")
        text = _joined(content)
        if text is None:
            return self._no_completion(shown, f"a message whose content is no text but {content!r}", seconds, headers)
        return Answer(
            CallOutcome.ANSWERED,
            text=self.key.redacted_reply(text),
            finish_reason=_storable(self.key.redacted_reply(str(finish_reason))),
            model=_storable(self.key.redacted_reply(str(_at(found, "model") or self.model))),
            prompt_tokens=_count(_at(found, "usage"), "prompt_tokens"),
            completion_tokens=_count(_at(found, "usage"), "completion_tokens"),
            latency_seconds=seconds,
            http_status=200,
            headroom=_headroom(headers or {}),
        )

    def error(
        self, status: int, body: str, latency_seconds: float = 0.0, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Judge an error by its code, its status and its words."""
        said = _Said.read(status, body)
        outcome = _judge(said)
        return self.failure(
            outcome, f"HTTP {status}, {said.message or 'no text'}", body, latency_seconds, status, headers
        )

    def failure(
        self,
        outcome: CallOutcome,
        said: str,
        body: str | None = None,
        latency_seconds: float = 0.0,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Write a call that brought no reply as an Answer, the key taken out of all that the server said."""
        hint = ASK_AGAIN_HINT
        if outcome is CallOutcome.KEY_REFUSED:
            variable = self.key.variable
            hint = f"Set the environment variable {variable} to a key that this server accepts, then start again."
        return Answer(
            outcome,
            text=None if body is None else _storable(self.key.redacted(body)[:KEPT_CHARACTERS]),
            latency_seconds=latency_seconds,
            http_status=status,
            detail=_storable(f"The teacher {self.name} {_SAID[outcome]}: {self.key.shortened(said)}."),
            hint=_STOPPING_HINTS.get(outcome, hint),
            retry_after_seconds=_retry_after(headers or {}),
            headroom=_headroom(headers or {}),
        )

    def _no_completion(self, text: str, said: str, latency_seconds: float, headers: Mapping[str, str] | None) -> Answer:
        return self.failure(CallOutcome.NO_COMPLETION, said, text, latency_seconds, 200, headers)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an error says of itself."""

    status: int
    message: str
    code: str = ""
    parameter: str = ""
    words: str = field(default="")
    """Code, type, parameter and message in one text, for what servers tell only in words."""

    @classmethod
    def read(cls, status: int, body: str) -> "_Said":
        try:
            found: object = json.loads(body)
        except (ValueError, RecursionError):
            return cls(status, body, words=body)
        error = _at(found, "error") or _at(found, "detail") or found
        parts = {name: _at(error, name) for name in ("code", "type", "param", "message")}
        message = _message(error)
        words = " ".join(str(part) for part in (*parts.values(), message) if part)
        code = str(parts["code"] or parts["type"] or "")
        return cls(status, message, code, str(parts["param"] or ""), words)


def _judge(said: _Said) -> CallOutcome:
    """Say what became of a call that ended in an error status: what stops every call first."""
    status = said.status
    is_refused = 400 <= status < 500 and status not in (408, 409, 425, 429)
    by_rule = (
        (status in (401, 403) or said.code == "invalid_api_key", CallOutcome.KEY_REFUSED),
        (status == 402 or said.code in _QUOTA_CODES or "exceeded your current quota" in said.words,
         CallOutcome.QUOTA_SPENT),
        (status == 429, CallOutcome.RATE_LIMITED),
        (is_refused and said.code == "content_filter", CallOutcome.CONTENT_FILTER),
        (is_refused and (status == 413 or bool(_TOO_LONG.search(said.words))), CallOutcome.TOO_LONG),
        (is_refused and bool(_FORMAT.search(said.words)), CallOutcome.FORMAT_REFUSED),
        (status == 404 or said.code == "model_not_found" or (is_refused and bool(_NO_MODEL.search(said.words))),
         CallOutcome.UNKNOWN_MODEL),
        (is_refused, CallOutcome.REQUEST_REFUSED),
    )  # fmt: skip
    return next((outcome for holds, outcome in by_rule if holds), CallOutcome.SERVER_ERROR)


def refused_setting(body: str | None) -> str:
    """Name the setting that a server does not take in its error, such as `max_tokens`; "" where it names none."""
    said = _Said.read(400, body or "")
    if said.parameter in ("max_tokens", "temperature"):
        return said.parameter
    if not re.search(r"unsupported|not supported|use '", said.words, re.I):
        return ""
    return next((name for name in ("max_completion_tokens", "max_tokens", "temperature") if name in said.words), "")


def _at(found: object, name: str) -> Any:
    """Read a field of a JSON object; None where it is no object or has no such field."""
    return found.get(name) if isinstance(found, dict) else None


def _decoded(body: bytes, charset: str | None) -> str | bytes:
    """Decode a body by the charset that its server names; as it is where that is UTF-8, none, or unknown."""
    try:
        known = codecs.lookup(charset or "utf-8").name
    except LookupError:
        return body
    return body if known.startswith("utf") else body.decode(known)


def _message(error: object) -> str:
    """What an error says: its message where it has one, else all of it."""
    message = _at(error, "message")
    if isinstance(message, str):
        return message
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _joined(content: object) -> str | None:
    """Join a message's content, a text or a list of text parts; None where it is neither, or cannot be stored."""
    if isinstance(content, list):
        texts = [part for part in (_at(part, "text") for part in content) if isinstance(part, str)]
        content = "".join(texts) if texts and len(texts) == len(content) else None
    return content if isinstance(content, str) and not re.search("[\ud800-\udfff]", content) else None


def _storable(text: str) -> str:
    """Write halves of surrogate pairs out: no file can hold them."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def _count(usage: object, name: str) -> int | None:
    """Read a token count, if it is one that can be."""
    count = _at(usage, name)
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**40 else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read for how many seconds a server asks to be left alone: in milliseconds, seconds, or until a date."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after")
    if (seconds := _number(asked)) is not None:
        return seconds
    try:
        until = parsedate_to_datetime(asked or "")
    except (ValueError, TypeError, IndexError):
        return None
    return max((until.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def _headroom(headers: Mapping[str, str]) -> Headroom:
    """Read the rate-limit headers that most servers send."""
    requests, tokens = (_number(headers.get(f"x-ratelimit-remaining-{what}")) for what in ("requests", "tokens"))
    return Headroom(
        None if requests is None else int(requests),
        _duration(headers.get("x-ratelimit-reset-requests")),
        None if tokens is None else int(tokens),
        _duration(headers.get("x-ratelimit-reset-tokens")),
    )


def _number(text: str | None) -> float | None:
    """Read a number of at most nine digits that is not negative."""
    return float(text) if text and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text, re.ASCII) else None


_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(text: str | None) -> float | None:
    """Read a duration such as 6m0s, 1.5s, 20ms or plain seconds."""
    if (seconds := _number(text)) is not None:
        return seconds
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", text or "", re.ASCII)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None
