"""What a chat endpoint answers, as data: shapes of a completion, refusals, and bodies that are no completion.

Every entry of ANSWERS is a function of the call, so that a shape can carry the reply to a reflection prompt as well as
the plain `Hello.` that any other question gets.
"""

import gzip
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

Headers = tuple[tuple[str, str], ...]

QUICK: Headers = (("Retry-After-Ms", "1"),)
"""What an error carries by default: tests need not wait before a retry."""
RETRY_SECONDS = 1
LONG_RETRY_SECONDS = 3600
NEAR_RESET: Headers = (
    ("x-ratelimit-limit-requests", "60"),
    ("x-ratelimit-remaining-requests", "0"),
    ("x-ratelimit-reset-requests", "300ms"),
)
NEAR_TOKEN_RESET: Headers = (
    ("x-ratelimit-limit-tokens", "60000"),
    ("x-ratelimit-remaining-tokens", "0"),
    ("x-ratelimit-reset-tokens", "300ms"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `reply` is the text of its completion, None where it holds none that could be used."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Headers = ()
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A chat request as a behaviour sees it.

    `text` is the reply that the server would give: tagged sections, or JSON where `json_text` is asked for.
    """

    body: Mapping[str, object]
    text: str
    json_text: str
    authorization: str = ""

    @property
    def wants_schema(self) -> bool:
        """Whether the request asks for structured output."""
        return self.body.get("response_format") is not None


def completion(content: object, finish_reason: object = "stop", **more: object) -> dict[str, object]:
    """Write the body of a chat completion."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": "m-1",
        "choices": [choice],
        "usage": usage,
    } | more


def failure(code: str | None, message: str) -> dict[str, object]:
    """Write the body of an error."""
    return {"error": {"message": message, "type": "error", "code": code, "param": None}}


def answer(status: int, body: object, headers: Headers = (), reply: str | None = None) -> Answer:
    """Answer with a JSON body."""
    return Answer(status, json.dumps(body).encode(), headers=headers, reply=reply)


def complete(text: str, finish_reason: object = "stop", headers: Headers = (), **more: object) -> Answer:
    """Answer with a completion of this text."""
    return answer(200, completion(text, finish_reason, **more), headers, text)


def refuse(status: int, code: str | None, message: str, headers: Headers = QUICK) -> Answer:
    """Answer with an error in OpenAI's shape."""
    return answer(status, failure(code, message), headers)


def raw(body: bytes, content_type: str = "application/json", status: int = 200, reply: str | None = None) -> Answer:
    """Answer with these bytes; an error asks for no wait before a retry."""
    return Answer(status, body, content_type, QUICK if status >= 400 else (), reply)


def _usual(call: Call) -> Answer:
    return complete(call.text)


def _limit(*headers: tuple[str, str]) -> Callable[[Call], Answer]:
    return lambda call: refuse(429, "rate_limit_exceeded", "Slow down.", headers)


def _date_limit(call: Call) -> Answer:
    return _limit(("Retry-After", formatdate(time.time() + RETRY_SECONDS, usegmt=True)))(call)


def _shape(**more: Any) -> Callable[[Call], Answer]:
    """Complete, with something odd in place of usual fields."""
    return lambda call: complete(call.text, **more)


def _unusable(body: object) -> Callable[[Call], Answer]:
    """Answer 200 with something that no reply can be read from."""
    return lambda call: answer(200, body)


def _choices(*contents: str) -> list[dict[str, object]]:
    return [
        {"index": index, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        for index, content in enumerate(contents)
    ]


def _encoded(encoding: str, content_type: str) -> Callable[[Call], Answer]:
    """Complete with letters beyond ASCII that stand in the body as they are, in this encoding."""

    def encoded(call: Call) -> Answer:
        text = call.text + " caf\u00e9"
        return raw(
            json.dumps(completion(text), ensure_ascii=False).encode(encoding),
            f"application/json{content_type}",
            200,
            text,
        )

    return encoded


def _gzipped(call: Call) -> Answer:
    body = gzip.compress(json.dumps(completion(call.text)).encode())
    return Answer(200, body, headers=(("Content-Encoding", "gzip"),), reply=call.text)


def _parts(call: Call) -> Answer:
    half = len(call.text) // 2
    texts = [{"type": "text", "text": text} for text in (call.text[:half], call.text[half:])]
    return answer(200, completion(texts), reply=call.text)


def _redirect(status: int, where: str) -> Callable[[Call], Answer]:
    return lambda call: Answer(status, headers=(("Location", f"/{where}/v1/chat/completions"),))


def _refuse_schema(code: str | None, message: str) -> Callable[[Call], Answer]:
    return lambda call: refuse(400, code, message) if call.wants_schema else _usual(call)


def _honour_schema(call: Call) -> Answer:
    return complete(call.json_text if call.wants_schema else call.text)


def _echo_key(before: str = "") -> Callable[[Call], Answer]:
    return lambda call: refuse(401, "invalid_api_key", f"{before}Incorrect key: {call.authorization}")


ANSWERS: dict[str, Callable[[Call], Answer]] = {
    # completions that can be used
    "good": _usual,
    "teach": _usual,
    "parts": _parts,
    "no_usage": lambda call: complete(call.text, None, usage=None, model=None),
    "odd_usage": _shape(usage={"prompt_tokens": "7", "completion_tokens": -5, "total_tokens": True}),
    "other_model": _shape(model="some-other-model"),
    "two_choices": lambda call: complete(call.text, choices=_choices(call.text, "Another choice.")),
    "thoughtful": lambda call: complete(f"<think>\nLet me see.\n</think>\n{call.text}"),
    "fenced": lambda call: complete(f"```\n{call.text}\n```"),
    "limits_near": lambda call: complete(call.text, headers=NEAR_RESET),
    "tokens_near": lambda call: complete(call.text, headers=NEAR_TOKEN_RESET),
    "gzip": _gzipped,
    "latin1": _encoded("latin-1", "; charset=iso-8859-1"),
    "utf16": _encoded("utf-16", "; charset=utf-16"),
    "bom": _encoded("utf-8-sig", ""),
    "plain_utf8": _encoded("utf-8", ""),
    "text_plain": lambda call: raw(json.dumps(completion(call.text)).encode(), "text/plain", 200, call.text),
    "answer_key": lambda call: complete(f"It is {call.authorization}."),
    # completions that are short of something
    "length": lambda call: complete(
        call.text[:3] if len(call.text) < 40 else call.text[: len(call.text) // 2], "length"
    ),
    "nothing_written": lambda call: answer(200, completion(None, "length")),
    "filtered": lambda call: answer(200, completion(None, "content_filter")),
    "refusal": lambda call: answer(
        200,
        completion("")
        | {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": None, "refusal": "I cannot."}}]},
    ),
    "duplicated": lambda call: complete(f"{call.text}\n{call.text}"),
    "empty_text": lambda call: complete(""),
    "null_content": _unusable(completion(None)),
    "number_content": _unusable(completion(3)),
    "image_part": _unusable(completion([{"type": "image_url", "image_url": {"url": "x"}}])),
    "half_surrogate": _unusable(completion("\ud83d")),
    "no_choices": _unusable(completion("") | {"choices": []}),
    "null_choice": _unusable(completion("") | {"choices": [None]}),
    "odd_choices": _unusable(completion("") | {"choices": {"a": 1}}),
    "odd_message": _unusable(completion("") | {"choices": [{"message": "Hello."}]}),
    # 200 with no completion
    "null": _unusable(None),
    "a_list": _unusable([1, 2]),
    "error_with_200": _unusable(failure("overloaded", "Too busy.")),
    "html_200": lambda call: raw(b"<html><h1>Sign in</h1></html>", "text/html"),
    "empty_200": lambda call: raw(b""),
    "broken_json": lambda call: raw(b'{"choices": ['),
    "deep_json": lambda call: raw(b"[" * 100_000),
    "no_utf8": lambda call: raw(b'{"choices": "\xff\xfe"}'),
    "broken_gzip": lambda call: Answer(200, b"no gzip", headers=(("Content-Encoding", "gzip"),)),
    "event_stream": lambda call: raw(b'data: {"choices": []}\n\ndata: [DONE]\n\n', "text/event-stream"),
    "no_content": lambda call: Answer(204),
    "redirect": _redirect(302, "good"),
    "redirect_same_method": _redirect(307, "good"),
    "redirect_loop": _redirect(307, "redirect_loop"),
    # limits
    "rate_limit": _limit(*QUICK),
    "retry_seconds": _limit(("Retry-After", str(RETRY_SECONDS))),
    "retry_date": _date_limit,
    "retry_ms": _limit(("Retry-After-Ms", "20")),
    "retry_absent": _limit(),
    "retry_odd": _limit(("Retry-After", "soon")),
    "retry_long": _limit(("Retry-After", str(LONG_RETRY_SECONDS))),
    "limits_spent": _limit(*QUICK, *NEAR_RESET),
    "tokens_spent": _limit(*QUICK, *NEAR_TOKEN_RESET),
    "quota": lambda call: refuse(429, "insufficient_quota", "You exceeded your current quota."),
    # the server's own troubles
    "error_500": lambda call: refuse(500, "server", "Oops."),
    "empty_502": lambda call: raw(b"", "text/html", 502),
    "html_503": lambda call: raw(b"<html><h1>Busy</h1></html>", "text/html", 503),
    "error_504": lambda call: raw(b"upstream request timeout", "text/plain", 504),
    "overloaded": lambda call: refuse(529, "overloaded_error", "Overloaded."),
    "timeout_408": lambda call: refuse(408, None, "Request timeout."),
    # what every call would meet
    "echo_key": _echo_key(),
    "long_echo_key": _echo_key("x" * 190),
    "forbidden": lambda call: refuse(403, "forbidden", "Not for you."),
    "unknown_model": lambda call: refuse(404, "model_not_found", "The model `m` does not exist."),
    "unknown_model_message": lambda call: refuse(400, None, "m is not a valid model ID"),
    "odd_setting": lambda call: refuse(400, "unsupported_parameter", "Use 'max_completion_tokens' instead."),
    "detail_422": lambda call: answer(422, {"detail": [{"loc": ["body", "x"], "msg": "extra fields not permitted"}]}),
    "error_text": lambda call: answer(400, {"error": "model 'm' not found, try pulling it first"}),
    # one request that cannot be taken
    "too_long": lambda call: refuse(400, "context_length_exceeded", "Too many tokens."),
    "too_long_message": lambda call: refuse(
        400, None, "This model's maximum context length is 512 tokens. However, you requested 2600 tokens."
    ),
    "filtered_prompt": lambda call: refuse(400, "content_filter", "The prompt triggered the content policy."),
    # structured output
    "schema_refused": _refuse_schema("unsupported_parameter", "Unsupported parameter: 'response_format'."),
    "schema_refused_message": _refuse_schema(None, "response_format json_schema is not supported by this model"),
    "schema_ignored": _usual,
    "schema_honoured": _honour_schema,
}
"""Behaviours that are one whole answer, by name."""
