# ruff: noqa: E501  (the sentences of servers stand as they came)
"""What a refusal means: real sentences of real servers, each with the kind of failure that its owner would name."""

import json
from typing import Any

import pytest

from srt_core.reflect.teacher import CallOutcome
from srt_core.reflect.teacher.kinds import KINDS, Effect
from srt_core.reflect.teacher.signs import ErrorBody, duration, outcome_of


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, object]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(status: str, message: str, *details: dict[str, object], code: int = 429) -> list[dict[str, object]]:
    """An error of Gemini's OpenAI-compatible endpoint: a list of one."""
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


def retry_info(delay: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota_failure(name: str) -> dict[str, object]:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    violation = {"quotaMetric": metric, "quotaId": name, "quotaValue": "15"}
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}


GEMINI = "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: {}, model: gemini-2.5-flash"

WAITS: dict[str, tuple[int, Any, float | None]] = {
    "openai": (429, openai("Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s. Visit https://platform.openai.com/account/rate-limits to learn more.", "rate_limit_exceeded", "tokens"), 2.0),
    "gemini_free": (429, google("RESOURCE_EXHAUSTED", GEMINI.format(15) + "\nPlease retry in 25.6s.", quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), retry_info("25s")), 25.0),
    "vertex": (429, google("RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."), None),
    "azure": (429, openai("Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-06-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.", "429"), 6.0),
    "groq": (429, openai("Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99900, Requested 1100. Please try again in 14m24s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing", "rate_limit_exceeded", "tokens"), 864.0),
    "moonshot": (429, openai("Your account org-x<ak-y> request reached max request per minute: 3, please try again after 1 seconds", None, "rate_limit_reached_error"), 1.0),
    "anthropic": (429, anthropic("rate_limit_error", "This request would exceed your organization's rate limit of 50 requests per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits."), None),
    "mistral": (429, {"object": "error", "message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded", "param": None, "code": "3505"}, None),
    "dashscope": (429, openai("You have exceeded your current requests list.", "limit_requests", "limit_requests"), None),
    "zhipu": (429, {"error": {"code": "1302", "message": "您当前使用该API的并发数过高，请降低并发，或联系客服增加限额"}}, None),
    "openrouter_in_200": (200, {"error": {"message": "Rate limit exceeded: free-models-per-min.", "code": 429, "metadata": {"headers": {"X-RateLimit-Limit": "20"}}}}, None),
    "html": (429, "<html><head><title>429 Too Many Requests</title></head><body></body></html>", None),
}  # fmt: skip

SPENT: dict[str, tuple[int, Any]] = {
    "openai": (429, openai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota")),
    "openai_hard_limit": (400, openai("Billing hard limit has been reached", "billing_hard_limit_reached")),
    "openai_inactive": (429, openai("Your account is not active, please check your billing details on our website.", "billing_not_active", "billing_not_active")),
    "anthropic": (400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.")),
    "minimax_in_200": (200, {"id": "x", "choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
    "deepseek": (402, openai("Insufficient Balance", "invalid_request_error", "unknown_error")),
    "siliconflow": (403, {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}),
    "openrouter": (402, openai("This request requires more credits, or fewer max_tokens. You requested up to 2048 tokens, but can only afford 1200. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account")),
    "openrouter_in_200": (200, {"error": {"message": "Insufficient credits. Add more using https://openrouter.ai/settings/credits", "code": 402}}),
    "moonshot": (429, openai("Your account org-x is suspended, please check your plan and billing details", None, "exceeded_current_quota_error")),
    "zhipu": (429, {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}}),
    "dashscope": (400, openai("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage")),
    "dashscope_free": (403, openai("The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the \"use free tier only\" mode in the management console.", "AllocationQuota.FreeTierOnly")),
    "together": (402, openai("Credit limit exceeded, please navigate to https://api.together.xyz/settings/billing to upgrade your plan.", None, "credit_limit")),
    "xai": (403, {"code": "The caller does not have permission to execute the specified operation", "error": "Your newly created teams doesn't have any credits yet. You can purchase those on https://console.x.ai/team/x."}),
    "fireworks": (412, {"error": {"message": "Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices."}}),
    "perplexity": (401, openai("You exceeded your current quota, please check your plan and billing details", "401", "insufficient_quota")),
    "litellm": (400, openai("Budget has been exceeded! Current cost: 1.02, Max budget: 1.0", "400", "budget_exceeded")),
    "new_api": (403, openai("用户额度不足, 剩余额度: ＄0.000000", "insufficient_user_quota", "new_api_error")),
    "volcengine": (403, openai("The request failed because your account has an overdue balance.", "AccountOverdueError", "Forbidden")),
    "vertex_billing": (403, google("PERMISSION_DENIED", "This API method requires billing to be enabled. Please enable billing on project #123 by visiting https://console.developers.google.com/billing/enable?project=123 then retry.", code=403)),
    "gemini_no_free": (429, google("RESOURCE_EXHAUSTED", GEMINI.format(0), quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), retry_info("25s"))),
}  # fmt: skip

DAYS: dict[str, tuple[int, Any]] = {
    "gemini": (429, google("RESOURCE_EXHAUSTED", GEMINI.format(250), quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), retry_info("25s"))),
    "openrouter": (429, openai("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", "429")),
    "anthropic": (400, anthropic("invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.")),
    "huggingface": (402, {"error": "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits."}),
    "cohere": (429, {"message": "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key"}),
    "zhipu": (429, {"error": {"code": "1304", "message": "该API的调用次数已达今日上限"}}),
}  # fmt: skip

PLACES: dict[str, tuple[int, Any]] = {
    "openai": (403, openai("Country, region, or territory not supported", "unsupported_country_region_territory", "request_forbidden")),
    "gemini": (400, google("FAILED_PRECONDITION", "User location is not supported for the API use.", code=400)),
    "anthropic": (403, anthropic("forbidden", "Request not allowed")),
    "groq": (403, openai("Access denied. Please check your network settings.")),
    "openrouter": (403, openai("This model is not available in your region.", "403")),
    "cloudflare": (403, "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"),
    "cloudflare_code": (403, "error code: 1009"),
}  # fmt: skip

KEYS: dict[str, tuple[int, Any]] = {
    "minimax_in_200": (200, {"choices": None, "base_resp": {"status_code": 2049, "status_msg": "invalid api key"}}),
    "openai": (401, openai("Incorrect API key provided: sk-x. You can find your API key at https://platform.openai.com/account/api-keys.", "invalid_api_key")),
    "gemini": (400, google("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", {"reason": "API_KEY_INVALID"}, code=400)),
    "anthropic": (401, anthropic("authentication_error", "invalid x-api-key")),
    "azure": (401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}),
    "mistral": (401, {"detail": "Unauthorized"}),
    "vllm": (401, {"error": "Unauthorized"}),
    "litellm": (401, openai("Authentication Error, Invalid proxy server token passed.", "401", "auth_error")),
}  # fmt: skip

MODELS: dict[str, tuple[int, Any]] = {
    "groq_terms": (400, openai("The model `canopylabs/orpheus-v1-english` requires terms acceptance. Please have the org admin accept the terms at https://console.groq.com/playground?model=canopylabs%2Forpheus-v1-english", "model_terms_required")),
    "openai": (404, openai("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found")),
    "openai_project": (403, openai("Project `proj_x` does not have access to model `gpt-4o`", "model_not_found")),
    "openai_not_chat": (404, openai("This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?")),
    "anthropic": (404, anthropic("not_found_error", "model: claude-9")),
    "gemini": (404, google("NOT_FOUND", "models/gemini-9 is not found for API version v1main, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.", code=404)),
    "azure": (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}}),
    "deepseek": (400, openai("Model Not Exist", "invalid_request_error")),
    "openrouter": (400, openai("foo/bar is not a valid model ID", "400")),
    "openrouter_none": (404, openai("No endpoints found for foo/bar.", "404")),
    "together": (404, openai("Unable to access model foo. Please visit https://api.together.ai/models to view the list of supported models.", "model_not_available")),
    "groq_gone": (400, openai("The model `mixtral-8x7b-32768` has been decommissioned and is no longer supported.", "model_decommissioned")),
    "mistral": (400, {"object": "error", "message": "Invalid model: mistral-9", "type": "invalid_model", "param": None, "code": "1500"}),
    "moonshot": (404, openai("Not found the model kimi-9 or Permission denied", None, "resource_not_found_error")),
    "zhipu": (400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}),
    "dashscope": (403, openai("Model access denied.", "Model.AccessDenied")),
    "vllm": (404, {"object": "error", "message": "The model `m` does not exist.", "type": "NotFoundError", "param": None, "code": 404}),
    "ollama": (404, openai("model 'llama9' not found, try pulling it first", None, "api_error")),
    "lm_studio": (400, openai("No models loaded. Please load a model in the developer page or use the 'lms load' command.", "model_not_found")),
    "litellm": (400, openai("/chat/completions: Invalid model name passed in model=m. Call `/v1/models` to view available models for your key.", "400")),
    "new_api": (503, openai("当前分组 default 下对于模型 gpt-9 无可用渠道", "model_not_found", "new_api_error")),
    "siliconflow": (400, {"code": 20012, "message": "Model does not exist. Please check it carefully.", "data": None}),
}  # fmt: skip

ADDRESSES: dict[str, tuple[int, Any]] = {
    "fastapi": (404, {"detail": "Not Found"}),
    "fastapi_method": (405, {"detail": "Method Not Allowed"}),
    "go": (404, "404 page not found"),
    "openai": (404, openai("Invalid URL (POST /v1/v1/chat/completions)")),
    "azure": (404, {"error": {"code": "404", "message": "Resource not found"}}),
    "llama_cpp": (404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}),
    "lm_studio": (200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
    "anthropic": (404, anthropic("not_found_error", "Not found")),
    "login": (200, "<!doctype html><title>Sign in</title><form>...</form>"),
    "app": (200, "\n<html lang=en><head><meta charset=utf-8><title>Open WebUI</title></head><body><div id=root></div></body></html>"),
    "nginx_tls": (400, "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"),
    "go_tls": (400, "Client sent an HTTP request to an HTTPS server.\n"),
    "nginx_403": (403, "<html><head><title>403 Forbidden</title></head></html>"),
}  # fmt: skip

ONES: dict[str, tuple[int, Any, CallOutcome]] = {
    "openai_long": (400, openai("This model's maximum context length is 8192 tokens. However, you requested 10000 tokens.", "context_length_exceeded"), CallOutcome.TOO_LONG),
    "anthropic_long": (400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), CallOutcome.TOO_LONG),
    "groq_long": (413, openai("Request too large for model `m` in organization `o` on tokens per minute (TPM): Limit 6000, Requested 7000, please reduce your message size and try again.", "rate_limit_exceeded", "tokens"), CallOutcome.TOO_LONG),
    "llama_cpp_long": (400, {"error": {"code": 400, "message": "the request exceeds the available context size. try increasing the context size or enable context shift", "type": "exceed_context_size_error"}}, CallOutcome.TOO_LONG),
    "dashscope_long": (400, openai("Range of input length should be [1, 30720]", "invalid_parameter_error"), CallOutcome.TOO_LONG),
    "nginx_413": (413, "<html><head><title>413 Request Entity Too Large</title></head></html>", CallOutcome.TOO_LONG),
    "azure_filter": (400, openai("The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.", "content_filter"), CallOutcome.CONTENT_FILTER),
    "deepseek_filter": (400, openai("Content Exists Risk", "invalid_request_error"), CallOutcome.CONTENT_FILTER),
    "dashscope_filter": (400, openai("Input data may contain inappropriate content.", "data_inspection_failed"), CallOutcome.CONTENT_FILTER),
    "moonshot_filter": (400, openai("The request was rejected because it was considered high risk", None, "content_filter"), CallOutcome.CONTENT_FILTER),
    "zhipu_filter": (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。"}}, CallOutcome.CONTENT_FILTER),
    "openrouter_filter": (403, openai("Your chosen model requires moderation and your input was flagged for violence.", "403"), CallOutcome.CONTENT_FILTER),
    "groq_json": (400, openai("Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.", "json_validate_failed") , CallOutcome.JSON_FAILED),
    "groq_schema": (400, openai("Generated JSON does not match the expected schema. Please adjust your prompt. See 'failed_generation' for more details.", "json_validate_failed"), CallOutcome.JSON_FAILED),
    "deepseek_schema": (400, openai("This response_format type is unavailable now", "invalid_request_error"), CallOutcome.FORMAT_REFUSED),
    "lm_studio_schema": (400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}, CallOutcome.FORMAT_REFUSED),
    "llama_cpp_loading": (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, CallOutcome.LOADING),
    "hf_loading": (503, {"error": "Model meta-llama/x is currently loading", "estimated_time": 20.0}, CallOutcome.LOADING),
    "anthropic_overloaded": (529, anthropic("overloaded_error", "Overloaded"), CallOutcome.SERVER_ERROR),
    "openrouter_upstream": (200, {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "upstream timed out", "provider_name": "BaseTen"}}}, CallOutcome.SERVER_ERROR),
    "cloudflare_524": (524, "<html><head><title>524: A timeout occurred</title></head></html>", CallOutcome.SERVER_ERROR),
    "busy_in_200": (200, {"error": "Too busy."}, CallOutcome.NO_COMPLETION),
    "odd_field": (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": "the model does not exist"}]}, CallOutcome.REQUEST_REFUSED),
}  # fmt: skip


def judged(status: int, body: Any) -> tuple[CallOutcome, ErrorBody]:
    """What a body of a server, as it came, is taken for."""
    error = ErrorBody.parse(status, body if isinstance(body, str) else json.dumps(body))
    return outcome_of(error), error


@pytest.mark.parametrize(("status", "body", "seconds"), WAITS.values(), ids=WAITS)
def test_a_limit_that_ends_is_waited_for(status: int, body: Any, seconds: float | None) -> None:
    """A limit is waited for, as long as the server says in a field or in words, also where it speaks of a quota."""
    outcome, error = judged(status, body)
    assert (outcome, error.wait_seconds) == (CallOutcome.RATE_LIMITED, seconds)


STOPS = [
    (name, outcome, *case)
    for outcome, cases in (
        (CallOutcome.QUOTA_SPENT, SPENT), (CallOutcome.DAY_SPENT, DAYS), (CallOutcome.NOT_SERVED, PLACES),
        (CallOutcome.KEY_REFUSED, KEYS), (CallOutcome.UNKNOWN_MODEL, MODELS), (CallOutcome.WRONG_ADDRESS, ADDRESSES),
    )
    for name, case in cases.items()
]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "status", "body"), [case[1:] for case in STOPS], ids=[f"{case[1]}-{case[0]}" for case in STOPS]
)
def test_what_no_wait_mends_stops_the_run(outcome: CallOutcome, status: int, body: Any) -> None:
    """An empty account, a used-up day, a blocked place, a key, a model and an address are each known, by any status."""
    assert judged(status, body)[0] is outcome
    assert outcome.stops


@pytest.mark.parametrize(("status", "body", "outcome"), ONES.values(), ids=ONES)
def test_what_concerns_one_request_or_a_moment_stops_nothing(status: int, body: Any, outcome: CallOutcome) -> None:
    """A text too long, a filter, bad JSON of the model and trouble at the server do not end a run."""
    assert judged(status, body)[0] is outcome
    assert not outcome.stops


def test_every_outcome_says_what_it_is_and_what_to_do() -> None:
    """Each outcome without a reply has a description of its own, a hint and one effect."""
    said = [kind.description for outcome, kind in KINDS.items() if outcome is not CallOutcome.NOT_RECORDED]
    assert set(KINDS) == set(CallOutcome)
    assert len(set(said)) == len(said)
    assert all(kind.hint for outcome, kind in KINDS.items() if kind.effect is not Effect.KEEP)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360.0), ("1.5s", 1.5), ("20ms", 0.02), ("1h2m", 3720.0), ("3 minutes", 180.0), ("2 days", 172_800.0),
     ("soon", None), ("", None)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: float | None) -> None:
    """A duration is read as servers write it; what is none is no number."""
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))
