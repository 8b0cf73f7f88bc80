"""Turn whatever a server sent into an Answer; no field of it is assumed to exist or to have the right type.

A body that is no chat completion is stored as text and described in a sentence. What a refusal means is found by its
signs (signs), also where it comes as a success.
"""

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from srt_core.reflect.finish import AT_LIMIT, FILTERED
from srt_core.reflect.teacher.address import Key
from srt_core.reflect.teacher.ask import Answer, Headroom
from srt_core.reflect.teacher.kinds import KINDS, CallOutcome
from srt_core.reflect.teacher.messages import message_text
from srt_core.reflect.teacher.signs import OK, ErrorBody, duration, outcome_of, page_title
from srt_core.reflect.teacher.streams import BrokenStreamError, is_stream, joined_stream

KEPT_CHARACTERS: Final = 20_000
"""Length to which a body that is no reply is cut before it is stored."""

_ERROR_FIELDS: Final = frozenset({"error", "errors", "detail", "message", "msg", "base_resp"})
_BROKEN_OFF: Final = frozenset({"error", "insufficient_system_resource", "network_error"})
"""Finish reasons of a reply that its server gave up (OpenRouter, DeepSeek, Zhipu)."""


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads what one teacher sends; `name` is how messages call it, `advice` what its address may lack."""

    name: str
    key: Key
    model: str
    advice: str = ""

    def completion(
        self, body: bytes, latency_seconds: float, headers: Mapping[str, str], charset: str | None = None
    ) -> Answer:
        """Return the Answer in the body of a successful response: JSON in UTF-8 or in the charset of its header."""
        text = body.decode("utf-8", errors="replace")
        try:
            found: object = joined_stream(text) if is_stream(text) else json.loads(_decoded(body, charset))
        except (ValueError, RecursionError) as error:
            if page_title(text):
                return self._refusal(ErrorBody.parse(OK, text), text, latency_seconds, headers)
            problem = f"what came is no JSON ({type(error).__name__}): {text}" if text.strip() else "an empty body came"
            if isinstance(error, BrokenStreamError):
                problem = f"its stream broke off before the end: {text}"
            return self._no_completion(text, problem, latency_seconds, headers)
        return self.completion_object(found, latency_seconds, headers)

    def completion_object(
        self, found: object, latency_seconds: float | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the Answer in a parsed body: its text, or why there is none where it is no chat completion."""
        seconds = latency_seconds or 0.0
        choices = _at(found, "choices")
        if not isinstance(choices, list) or not choices:
            shown = json.dumps(found, ensure_ascii=False)
            if isinstance(found, dict) and not _ERROR_FIELDS.isdisjoint(found):
                return self._refusal(ErrorBody.read(OK, found), shown, seconds, headers)
            return self._no_completion(shown, f"no chat completion but {shown}", seconds, headers)
        finish_reason = _at(choices[0], "finish_reason") or ""
        if finish_reason in _BROKEN_OFF:
            shown = json.dumps(found, ensure_ascii=False)
            problem = f"it broke off amid the reply, finish reason {finish_reason}"
            return self.failure(CallOutcome.SERVER_ERROR, problem, shown, seconds, OK, headers)
        message = _at(choices[0], "message")
        text = message_text(message, is_cut=str(finish_reason).lower() in AT_LIMIT | FILTERED)
        if text is None or re.search("[\ud800-\udfff]", text):
            content = _at(message, "content")
            shown = json.dumps(found, ensure_ascii=False)
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
        """Return the Answer of an error response, classified by its signs."""
        return self._refusal(ErrorBody.parse(status, body), body, latency_seconds, headers)

    def _refusal(
        self, error: ErrorBody, body: str, latency_seconds: float, headers: Mapping[str, str] | None
    ) -> Answer:
        if (asked := _retry_after(headers or {})) is not None:
            error = replace(error, wait_seconds=asked)
        message = error.message or "no text"
        problem = (
            f"an error: {message}" if error.status == OK and not error.is_page else f"HTTP {error.status}, {message}"
        )
        return self.failure(
            outcome_of(error), problem, body, latency_seconds, error.status, headers, error.wait_seconds
        )

    def failure(
        self,
        outcome: CallOutcome,
        problem: str,
        body: str | None = None,
        latency_seconds: float = 0.0,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        wait_seconds: float | None = None,
        hint: str | None = None,
    ) -> Answer:
        """Return the Answer of a call without a reply, the key removed from all text that the server sent.

        `wait_seconds`: the wait that the server asks for. `hint`: what to do, where more is known than the outcome
        says.
        """
        kind = KINDS[outcome]
        usual = kind.hint.format(variable=self.key.variable, advice=self.advice)
        return Answer(
            outcome,
            text=None if body is None else _storable(self.key.redacted(body)[:KEPT_CHARACTERS]),
            latency_seconds=latency_seconds,
            http_status=status,
            detail=_storable(f"The teacher {self.name} {kind.description}: {self.key.shortened(problem)}."),
            hint=hint or usual,
            retry_after_seconds=wait_seconds,
            headroom=_headroom(headers or {}),
        )

    def _no_completion(
        self, text: str, problem: str, latency_seconds: float, headers: Mapping[str, str] | None
    ) -> Answer:
        return self.failure(CallOutcome.NO_COMPLETION, problem, text, latency_seconds, 200, headers)


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
        _lasting(headers.get("x-ratelimit-reset-requests")),
        None if tokens is None else int(tokens),
        _lasting(headers.get("x-ratelimit-reset-tokens")),
    )


def _lasting(text: str | None) -> float | None:
    """Return the seconds of a duration such as 6m0s, 1.5s, 20ms or a plain number; None for anything else."""
    seconds = _number(text)
    return duration(text or "") if seconds is None else seconds


def _number(text: str | None) -> float | None:
    """Return a non-negative number of at most nine digits; None for anything else."""
    return float(text) if text and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text, re.ASCII) else None
