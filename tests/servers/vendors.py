"""What vendors' endpoints refuse of a request, in their own words, and whether a request would be refused so."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.answers import Answer, Call, answer, complete

Sent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of one setting. `change`: how requests have to be put; `refuses`: whether one is put otherwise."""

    words: str
    change: str
    refuses: Callable[[Sent], bool]
    status: int = 400
    param: str | None = None

    def answer(self, call: Call) -> Answer:
        """Refuse a request, or reply to it; a stream where one is asked for."""
        if self.refuses(call.body):
            error = {"message": self.words, "type": "invalid_request_error", "param": self.param, "code": None}
            return answer(self.status, {"error": error})
        return stream(call.text) if call.body.get("stream") else complete(call.text)


def stream(text: str, finish_reason: str | None = "stop", *, is_done: bool = True) -> Answer:
    """Answer with server-sent events, a few characters each."""
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[start : start + 40]} for start in range(0, len(text), 40)]
    choices: list[list[dict[str, object]]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices += [[{"index": 0, "delta": {}, "finish_reason": finish_reason}], []]
    events = [json.dumps({"id": "c1", "model": "m-1", "choices": each}) for each in choices]
    events[-1] = json.dumps({"id": "c1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}})
    lines = ["data: " + event for event in events] + ["data: [DONE]"] * is_done
    return Answer(200, ("\n\n".join(lines) + "\n\n").encode(), "text/event-stream", reply=text)


def _has(name: str) -> Callable[[Sent], bool]:
    return lambda sent: name in sent


def _over(limit: float, name: str = "max_tokens") -> Callable[[Sent], bool]:
    return lambda sent: sent.get(name, 0) > limit


def _system(sent: Sent) -> bool:
    return any(message["role"] == "system" for message in sent["messages"])


def _whole(sent: Sent) -> bool:
    return not sent.get("stream")


NO_TEMPERATURE, STREAMED = "without temperature", 'stream set to true; stream_options set to {"include_usage": true}'
FOLDED, RENAMED = "the system text in the user's message", "max_tokens as max_completion_tokens"

SETTINGS: Mapping[str, Refusal] = {
    "OpenAI, o-series and gpt-5": Refusal(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        RENAMED, _has("max_tokens"), param="max_tokens"),
    "OpenAI, gpt-5": Refusal(
        "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is "
        "supported.",
        NO_TEMPERATURE, _has("temperature"), param="temperature"),
    "OpenAI, search models": Refusal(
        "Model incompatible request argument supplied: temperature", NO_TEMPERATURE, _has("temperature")),
    "OpenAI, o1-mini": Refusal(
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.", FOLDED, _system,
        param="messages[0].role"),
    "OpenAI, too many tokens": Refusal(
        "max_tokens is too large: 2048. This model supports at most 1024 completion tokens, whereas you provided 2048.",
        "max_tokens at most 1024", _over(1024), param="max_tokens"),
    "Azure, older versions": Refusal(
        "Unrecognized request argument supplied: temperature", NO_TEMPERATURE, _has("temperature")),
    "Anthropic, newer Claude models": Refusal(
        "`temperature` is deprecated for this model.", NO_TEMPERATURE, _has("temperature")),
    "Anthropic, output tokens": Refusal(
        "max_tokens: 2048 > 1024, which is the maximum allowed number of output tokens for claude-3-opus-20240229",
        "max_tokens at most 1024", _over(1024)),
    "Anthropic, long requests": Refusal(
        "Streaming is required for operations that may take longer than 10 minutes.", STREAMED, _whole),
    "Moonshot": Refusal("invalid temperature: only 1 is allowed for this model", NO_TEMPERATURE, _has("temperature")),
    "DeepSeek": Refusal(
        "Invalid max_tokens value, the valid range of max_tokens is [1, 1024]", "max_tokens at most 1024", _over(1024)),
    "DashScope, max tokens": Refusal(
        "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 1024]",
        "max_tokens at most 1024", _over(1024)),
    "DashScope, Qwen3": Refusal(
        "parameter.enable_thinking must be set to false for non-streaming calls", "enable_thinking set to false",
        lambda sent: sent.get("enable_thinking") is not False),
    "DashScope, Qwen3 thinking": Refusal(
        "<400> InternalError.Algo.InvalidParameter: The value of the enable_thinking parameter is restricted to True.",
        "enable_thinking set to true", lambda sent: sent.get("enable_thinking") is not True),
    "DashScope, QwQ": Refusal(
        "<400> InternalError.Algo.InvalidParameter: This model only support stream mode, please enable the stream "
        "parameter to access the model. ", STREAMED, _whole),
    "Gemini": Refusal(
        "Unable to submit request because it has a maxOutputTokens value of 2048 but the supported range is from 1 "
        "(inclusive) to 1025 (exclusive). Update the value and try again.", "max_tokens at most 1024", _over(1024)),
    "Gemini, Gemma": Refusal("Developer instruction is not enabled for models/gemma-3-27b-it", FOLDED, _system),
    "Groq": Refusal(
        "`max_tokens` must be less than or equal to `1024`, the maximum value for `max_tokens` is less than the "
        "`context_window` for this model", "max_tokens at most 1024", _over(1024)),
    "Fireworks": Refusal("Requests with max_tokens > 1024 must have stream=true", STREAMED, _whole),
    "Cohere": Refusal(
        "invalid request: max_tokens must be less than or equal to 1024, the maximum output length for this model - "
        "received 2048.", "max_tokens at most 1024", _over(1024)),
    "Volcengine": Refusal(
        "The parameter `max_tokens` specified in the request are not valid: integer above maximum value, expected a "
        "value <= 1024, but got 2048 instead.", "max_tokens at most 1024", _over(1024)),
    "LiteLLM": Refusal(
        "litellm.UnsupportedParamsError: openai does not support parameters: ['temperature'], for model=o1-mini. To "
        "drop these, set `litellm.drop_params=True`", NO_TEMPERATURE, _has("temperature")),
    "TGI": Refusal("Input validation error: `temperature` must be strictly positive", NO_TEMPERATURE,
                   _has("temperature"), 422),
    "xAI": Refusal("Argument not supported on this model: temperature", NO_TEMPERATURE, _has("temperature")),
    "vLLM and SGLang, Gemma": Refusal("System role not supported", FOLDED, _system),
    "vLLM, Mistral": Refusal(
        "Conversation roles must alternate user/assistant/user/assistant/...", FOLDED, _system),
    "llama.cpp, a template": Refusal(
        "Only user and assistant roles are supported!", FOLDED, _system, 500),
    "a strict gateway": Refusal(
        "Extra inputs are not permitted: temperature", NO_TEMPERATURE, _has("temperature"), 422),
}  # fmt: skip

ABOUT_OTHER_THINGS: Mapping[str, tuple[int, str]] = {
    "vLLM, prompt and reply together": (
        400, "'max_tokens' or 'max_completion_tokens' is too large: 2048. This model's maximum context length is 2048 "
        "tokens and your request has 700 input tokens (2048 > 2048 - 700). None"),
    "vLLM, no room left": (400, "max_tokens must be at least 1, got -700."),
    "OpenAI, prompt and reply together": (
        400, "This model's maximum context length is 512 tokens. However, you requested 2600 tokens (600 in the "
        "messages, 2000 in the completion). Please reduce the length of the messages or completion."),
    "TGI, prompt and reply together": (
        422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1024. Given: 700 `inputs` tokens "
        "and 2048 `max_new_tokens`"),
    "OpenRouter, credits": (
        402, "This request requires more credits, or fewer max_tokens. You requested up to 2048 tokens, but can only "
        "afford 12."),
    "Groq, tokens a minute": (429, "Rate limit reached on tokens per minute. Reduce max_tokens and try again."),
    "a model that is not there": (404, "The model `m` does not exist or you do not have access to it."),
    "an overloaded system": (503, "The system is overloaded, only retry later."),
}  # fmt: skip
"""Errors that name a setting, or a word like one, and refuse none: status and message."""
