"""Turn whatever a server sent into an Answer; no field of it is assumed to exist or to have the right type.

A body that is no chat completion is stored as text and described in a sentence. An error is classified by its code and
status and, where servers differ, by the text of its message.
"""

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from srt_core.reflect.finish import AT_LIMIT, FILTERED
from srt_core.reflect.teacher.address import Key
from srt_core.reflect.teacher.ask import ASK_AGAIN_HINT, Answer, CallOutcome, Headroom
from srt_core.reflect.teacher.messages import message_text
from srt_core.reflect.teacher.streams import is_stream, joined_stream

KEPT_CHARACTERS: Final = 20_000
"""Length to which a body that is no reply is cut before it is stored."""

_STOPPING_HINTS: Mapping[CallOutcome, str] = {
    CallOutcome.QUOTA_SPENT: "Top up the account or use another teacher, then go on.",
    CallOutcome.UNKNOWN_MODEL: "Check the model's name and the address; most end in /v1.",
    CallOutcome.UNREACHABLE: "Check the address, and that the server runs; finished reflections are kept.",
}
_DESCRIPTIONS: Mapping[CallOutcome, str] = {
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
    CallOutcome.OPTION_REFUSED: "does not take a setting",
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
class AnswerReader:
    """Reads what one teacher sends; `name` is how messages call it."""

    name: str
    key: Key
    model: str

    def completion(
        self, body: bytes, latency_seconds: float, headers: Mapping[str, str], charset: str | None = None
    ) -> Answer:
        """Return the Answer in the body of a successful response: JSON in UTF-8 or in the charset of its header."""
        text = body.decode("utf-8", errors="replace")
        try:
            found: object = joined_stream(text) if is_stream(text) else json.loads(_decoded(body, charset))
        except (ValueError, RecursionError) as error:
            problem = f"what came is no JSON ({type(error).__name__}): {text}" if text.strip() else "an empty body came"
            return self._no_completion(text, problem, latency_seconds, headers)
        return self.completion_object(found, latency_seconds, headers)

    def completion_object(
        self, found: object, latency_seconds: float | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the Answer in a parsed body: its text, or NO_COMPLETION where it is no chat completion."""
        seconds = latency_seconds or 0.0
        shown = json.dumps(found, ensure_ascii=False)
        choices = _at(found, "choices")
        if not isinstance(choices, list) or not choices:
            error = _at(found, "error")
            problem = f"an error: {_message(error)}" if error else f"no chat completion but {shown}"
            return self._no_completion(shown, problem, seconds, headers)
        finish_reason = _at(choices[0], "finish_reason") or ""
        message = _at(choices[0], "message")
        text = message_text(message, is_cut=str(finish_reason).lower() in AT_LIMIT | FILTERED)
        if text is None or re.search("[\ud800-\udfff]", text):
            content = _at(message, "content")
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
        """Return the Answer of an error response, classified by its code, its status and its message."""
        error = _ErrorBody.parse(status, body)
        outcome = _outcome_of(error)
        return self.failure(
            outcome, f"HTTP {status}, {error.message or 'no text'}", body, latency_seconds, status, headers
        )

    def failure(
        self,
        outcome: CallOutcome,
        problem: str,
        body: str | None = None,
        latency_seconds: float = 0.0,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        hint: str | None = None,
    ) -> Answer:
        """Return the Answer of a call without a reply, the key removed from all text that the server sent.

        `hint`: what to do, where more is known than the outcome says.
        """
        usual = ASK_AGAIN_HINT
        if outcome is CallOutcome.KEY_REFUSED:
            variable = self.key.variable
            usual = f"Set the environment variable {variable} to a key that this server accepts, then start again."
        return Answer(
            outcome,
            text=None if body is None else _storable(self.key.redacted(body)[:KEPT_CHARACTERS]),
            latency_seconds=latency_seconds,
            http_status=status,
            detail=_storable(f"The teacher {self.name} {_DESCRIPTIONS[outcome]}: {self.key.shortened(problem)}."),
            hint=hint or _STOPPING_HINTS.get(outcome, usual),
            retry_after_seconds=_retry_after(headers or {}),
            headroom=_headroom(headers or {}),
        )

    def _no_completion(
        self, text: str, problem: str, latency_seconds: float, headers: Mapping[str, str] | None
    ) -> Answer:
        return self.failure(CallOutcome.NO_COMPLETION, problem, text, latency_seconds, 200, headers)


@dataclass(frozen=True, slots=True)
class _ErrorBody:
    """The parts of an error response."""

    status: int
    message: str
    code: str = ""
    parameter: str = ""
    words: str = field(default="")
    """Code, type, parameter and message in one text, to search for what some servers only put into words."""

    @classmethod
    def parse(cls, status: int, body: str) -> "_ErrorBody":
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


def _outcome_of(error: _ErrorBody) -> CallOutcome:
    """Return the outcome of a call that ended in an error status; outcomes that stop every call are tested first."""
    status = error.status
    is_refused = 400 <= status < 500 and status not in (408, 409, 425, 429)
    by_rule = (
        (status in (401, 403) or error.code == "invalid_api_key", CallOutcome.KEY_REFUSED),
        (status == 402 or error.code in _QUOTA_CODES or "exceeded your current quota" in error.words,
         CallOutcome.QUOTA_SPENT),
        (status == 429, CallOutcome.RATE_LIMITED),
        (is_refused and error.code == "content_filter", CallOutcome.CONTENT_FILTER),
        (is_refused and (status == 413 or bool(_TOO_LONG.search(error.words))), CallOutcome.TOO_LONG),
        (is_refused and bool(_FORMAT.search(error.words)), CallOutcome.FORMAT_REFUSED),
        (status == 404 or error.code == "model_not_found" or (is_refused and bool(_NO_MODEL.search(error.words))),
         CallOutcome.UNKNOWN_MODEL),
        (is_refused, CallOutcome.REQUEST_REFUSED),
    )  # fmt: skip
    return next((outcome for holds, outcome in by_rule if holds), CallOutcome.SERVER_ERROR)


def _at(found: object, name: str) -> Any:
    """Return a field of a JSON object; None where it is no object or has no such field."""
    return found.get(name) if isinstance(found, dict) else None


def _decoded(body: bytes, charset: str | None) -> str | bytes:
    """Decode a body by the charset of its header; return it as it is where that is UTF-8, missing or unknown."""
    try:
        known = codecs.lookup(charset or "utf-8").name
    except LookupError:
        return body
    return body if known.startswith("utf") else body.decode(known)


def _message(error: object) -> str:
    """Return the message of an error, or all of it where it has none."""
    message = _at(error, "message")
    if isinstance(message, str):
        return message
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _storable(text: str) -> str:
    """Escape lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def _count(usage: object, name: str) -> int | None:
    """Return a token count; None where it is missing or impossible."""
    count = _at(usage, name)
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**40 else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, which may be given in milliseconds, in seconds or as a date."""
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
    """Return what the rate-limit headers, which most servers send, say is left."""
    requests, tokens = (_number(headers.get(f"x-ratelimit-remaining-{what}")) for what in ("requests", "tokens"))
    return Headroom(
        None if requests is None else int(requests),
        _duration(headers.get("x-ratelimit-reset-requests")),
        None if tokens is None else int(tokens),
        _duration(headers.get("x-ratelimit-reset-tokens")),
    )


def _number(text: str | None) -> float | None:
    """Return a non-negative number of at most nine digits; None for anything else."""
    return float(text) if text and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text, re.ASCII) else None


_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(text: str | None) -> float | None:
    """Return the seconds of a duration such as 6m0s, 1.5s, 20ms or a plain number; None for anything else."""
    if (seconds := _number(text)) is not None:
        return seconds
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", text or "", re.ASCII)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None
