"""What a server's refusal means: a table of signs, in the words and codes of real servers.

A sign fits a refusal by its status, by a code in it or by its words. The first that fits says what kind of failure it
is (kinds): so what ends every call stands before what concerns one, and what has a name before a status alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Final, Self

from srt_core.reflect.teacher.kinds import CallOutcome

OK: Final = 200


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The parts of a refusal: an error response, or an error in a response that calls itself successful."""

    status: int
    """As the server meant it: the status that stands in a successful response counts for this one."""
    message: str
    codes: frozenset[str] = frozenset()
    """Its code, type and status words, in lower case."""
    parameter: str = ""
    words: str = ""
    """Everything in it that is text, to search for what servers only put into words."""
    is_page: bool = False
    """Whether it is a web page, which no chat endpoint sends."""
    wait_seconds: float | None = None
    """How long it asks to wait, None where it does not say."""

    @classmethod
    def parse(cls, status: int, body: str) -> Self:
        """Read the body of a refusal, whatever it is."""
        try:
            found: object = json.loads(body)
        except (ValueError, RecursionError):
            page = page_title(body)
            return cls(status, page or body, words=body, is_page=bool(page), wait_seconds=_wait_in(body))
        return cls.read(status, found)

    @classmethod
    def read(cls, status: int, found: object) -> Self:
        """Read a parsed refusal. Google's is a list of one."""
        if isinstance(found, list) and found:
            found = found[0]
        error = _at(found, "error") or _at(found, "detail") or _at(found, "errors") or _at(found, "base_resp") or found
        parts = [_at(each, name) for each in (error, found) for name in ("code", "type", "status")]
        codes = frozenset(str(part).lower() for part in parts if isinstance(part, str | int))
        message = message_of(error)
        words = " ".join(_texts(found))
        if status == OK:
            status = next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)), OK)
        wait = next((wait for wait in (_named_wait(found), _wait_in(message)) if wait is not None), None)
        return cls(status, message, codes, str(_at(error, "param") or ""), words, wait_seconds=wait)

    @property
    def is_refused(self) -> bool:
        """Whether the server found fault with the request rather than with itself."""
        return self.status == OK or 400 <= self.status < 500 and self.status not in (408, 409, 425, 429)


@dataclass(frozen=True, slots=True)
class Sign:
    """Fits a refusal that has one of the codes, or whose words match, or (with neither) whose status is among these.

    `statuses` also limit where codes and words count; () is every refusal of a request, and 429.
    """

    outcome: CallOutcome
    words: re.Pattern[str] | None = None
    codes: frozenset[str] = frozenset()
    statuses: tuple[int, ...] = ()
    waits: bool = False
    """Whether it only fits where the server says how long to wait."""
    is_page: bool = False
    """Whether it only fits a web page."""

    def fits(self, error: ErrorBody) -> bool:
        """Whether a refusal shows this sign."""
        in_place = error.status in self.statuses if self.statuses else error.is_refused or error.status == 429
        if not in_place or (self.waits and error.wait_seconds is None) or (self.is_page and not error.is_page):
            return False
        if self.words is None and not self.codes:
            return True
        return not self.codes.isdisjoint(error.codes) or bool(self.words and self.words.search(error.words))


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


def _codes(codes: str) -> frozenset[str]:
    return frozenset(codes.lower().split())


SIGNS: Final = (
    # The model wrote what its server does not let through: another try may do better (Groq, Together, Fireworks).
    Sign(CallOutcome.JSON_FAILED,
         _words(r"failed to (generate|validate|parse) (a |the )?(valid )?json",
                r"generated json does(n't| not) match", r"failed_generation",
                r"(model|output|generation|response).{0,40}(is not|not a|invalid|no) (valid )?json\b"),
         _codes("json_validate_failed json_generate_failed output_parse_failed")),
    # An empty account, by the codes of OpenAI, Moonshot, DashScope, Zhipu, LiteLLM, Volcengine, new-api, AI21.
    Sign(CallOutcome.QUOTA_SPENT,
         codes=_codes("insufficient_quota exceeded_current_quota_error billing_hard_limit_reached billing_not_active "
                      "account_deactivated arrearage arrears 1113 budget_exceeded accountoverdueerror "
                      "insufficient_user_quota pre_consume_token_quota_failed insufficient_credits payment_required "
                      "allocationquota.freetieronly insufficient_balance billing_error")),
    # What may be used in a day or month; Google's error asks for a short wait in the same breath, which does not help.
    Sign(CallOutcome.DAY_SPENT,
         _words(r"per(day|month)per", r"free-models-per-(day|month)",
                r"\b(daily|monthly) (\w+ ){0,3}(limit|quota|cap)\b.{0,60}(reached|exceeded|exhausted|used)",
                r"(reached|exceeded|exhausted|used)\b.{0,60}\b(daily|monthly) (\w+ ){0,3}(limit|quota|cap|credits)\b",
                r"specified api usage limits", r"limited to [\d,]+ api calls */ *month",
                r"今日上限|每日.{0,10}(上限|限额)"),
         _codes("1304")),
    # A model that the free tier has nothing of: Google says limit: 0 and asks for a wait all the same.
    Sign(CallOutcome.QUOTA_SPENT, _words(r"quota exceeded for metric.{0,200}\blimit: 0\b"), statuses=(429,)),
    Sign(CallOutcome.TOO_LONG, _words(r"request too large"), statuses=(429,)),
    Sign(CallOutcome.RATE_LIMITED, statuses=(429,), waits=True),
    Sign(CallOutcome.RATE_LIMITED,
         codes=_codes("rate_limit_exceeded limit_requests limit_burst_rate too_many_requests rate_limit_error "
                      "rate_limit_reached_error throttlingexception throttling throttling.ratequota "
                      "throttling.burstrate throttling.allocationquota 1302 1303 1305"),
         statuses=(200, 400, 403, 429)),
    Sign(CallOutcome.QUOTA_SPENT,
         _words(r"insufficient[ _](account )?(balance|quota|credit|fund)",
                r"\b(balance|credits?|quota|funds|budget)\b.{0,40}\b(too low|insufficient|exhausted|depleted|overdue|"
                r"not enough|used up|run out)", r"budget has been exceeded",
                r"\b(out of|not enough|no|any|all( available)?|add( more)?|requires? more|purchase( more)?) credits?\b",
                r"exceeded your [\w ]{0,20}(quota|credits?|budget|plan|spend)",
                r"plan and billing", r"billing (details|hard limit)",
                r"requires? billing|billing (to be|is not) enabled", r"overdue balance", r"in good standing",
                r"account (is|has been|\S+ is) (suspended|not active|in arrears)",
                r"credit limit exceeded", r"(spending|usage) limit", r"payment (method|required)", r"top.?up",
                r"free (tier|quota).{0,40}(exhausted|used up|expired)",
                r"余额不足|欠费|额度不足|额度已用|请充值|账户.{0,6}(停用|余额)")),
    Sign(CallOutcome.QUOTA_SPENT, statuses=(402,)),
    Sign(CallOutcome.RATE_LIMITED, statuses=(429,)),
    # Where from: OpenAI, Google, Anthropic, Groq, OpenRouter, and the gatekeepers in front of many.
    Sign(CallOutcome.NOT_SERVED,
         _words(r"(country|region|territory|location)\b.{0,40}\b(is |are )?not (supported|available|allowed)",
                r"not (supported|available|offered|allowed) in (your|this|the) (country|region|location|area)",
                r"unsupported[ _](country|region)", r"^request not allowed|forbidden.{0,20}request not allowed",
                r"check your network settings", r"error (code: )?10(09|20|06)\b", r"banned the (country|region|ip)",
                r"you have been blocked", r"just a moment|attention required|verify you are human",
                r"(ip|network)( address)? .{0,30}(is not|not) (allowed|whitelisted|permitted)|ip_not_allowed"),
         _codes("unsupported_country_region_territory")),
    # One prompt that a filter holds back: OpenAI, Azure, DashScope, DeepSeek, Zhipu, Moonshot, OpenRouter, xAI.
    Sign(CallOutcome.CONTENT_FILTER,
         _words(r"content management policy", r"content exists risk", r"inappropriate content", r"considered high risk",
                r"(input|prompt|request|content)( was| is| were)? (flagged|blocked)", r"requires moderation",
                r"(content|usage) (policy|guidelines)", r"contentpolicyviolation", r"敏感内容|不安全"),
         _codes("content_filter content_policy_violation data_inspection_failed datainspectionfailed 1301 "
                "invalid_prompt responsibleaipolicyviolation sensitive_words_detected")),
    Sign(CallOutcome.CONTENT_FILTER, statuses=(451,)),
    # A model that this key may not use is no fault of the key: OpenAI, DashScope, Anthropic.
    Sign(CallOutcome.UNKNOWN_MODEL,
         _words(r"(access to|use|using) (the |this )?model", r"model (access|not) (denied|allowed|permitted)",
                r"not (have access|allowed|authorized|permitted) .{0,40}model"),
         _codes("model_not_found model.accessdenied model_not_available model_access_denied"),
         statuses=(401, 403)),
    Sign(CallOutcome.TOO_LONG, statuses=(413,)),
    Sign(CallOutcome.WRONG_ADDRESS, is_page=True),
    Sign(CallOutcome.KEY_REFUSED,
         _words(r"(api[ _-]?key|token|credentials?)( is| provided is)? (not valid|invalid|incorrect|expired|missing)",
                r"(incorrect|invalid|no|missing|expired|wrong) (api[ _-]?key|authentication|credentials)"),
         _codes("invalid_api_key api_key_invalid authentication_error unauthenticated")),
    Sign(CallOutcome.KEY_REFUSED, statuses=(401, 403)),
    Sign(CallOutcome.TOO_LONG,
         _words(r"context[ _](length|window|size)", r"maximum (context|sequence|model|prompt|input) length",
                r"too many tokens", r"(prompt|input|request|message)s? (is|are|was) too (long|large)",
                r"request too large", r"maximum prompt", r"range of input length", r"reduce (the length|your message)",
                r"inputs?`? tokens .{0,40}must be", r"prompt contains [\d,]+ tokens"),
         _codes("context_length_exceeded exceed_context_size_error string_above_max_length")),
    Sign(CallOutcome.FORMAT_REFUSED,
         _words(r"response_?format", r"json_?schema", r"structured output", r"guided",
                r"no endpoints found that (can handle|support) the requested parameters")),
    Sign(CallOutcome.UNKNOWN_MODEL,
         _words(r"\b(model|server)s?\b.{0,200}(does not exist|not found|not exist|unknown|no such|not supported|"
                r"pinned to|decommissioned|deprecated|not available|not a valid)",
                r"(unknown|invalid|no such|not a valid) model\b", r"not found the model", r"unable to access model",
                r"no (allowed providers|endpoints found|models loaded|available channel)", r"not a chat model",
                r"模型不存在|无可用渠道"),
         _codes("model_not_found model_not_available model_terms_required model_decommissioned model_not_supported "
                "deploymentnotfound invalid_model model_not_exist 1211 20012")),
    Sign(CallOutcome.UNKNOWN_MODEL, _words(r"\bmodel: \S+"), statuses=(404,)),
    Sign(CallOutcome.UNKNOWN_MODEL, codes=_codes("model_not_found"), statuses=(500, 503)),
    # Nobody who would answer: LM Studio, OpenAI, Azure, Go's and nginx's servers on a TLS port.
    Sign(CallOutcome.WRONG_ADDRESS,
         _words(r"(unexpected|unknown|no such|invalid) (endpoint|url|route|path)", r"method not allowed",
                r"cannot post", r"http request (was sent )?to (an )?https (port|server)", r"resource not found",
                r"no route matched|route .{0,60}not found")),
    Sign(CallOutcome.WRONG_ADDRESS, statuses=(301, 302, 303, 307, 308, 404, 405, 501)),
    Sign(CallOutcome.UNREACHABLE, statuses=(407,)),
    Sign(CallOutcome.LOADING,
         _words(r"loading (the )?model", r"model\b.{0,60}\b(is |being |currently |still )+(loading|loaded|starting)"),
         statuses=(200, 400, 409, 425, 500, 503)),
)  # fmt: skip


def outcome_of(error: ErrorBody) -> CallOutcome:
    """Return what a refusal means for the call."""
    found = next((sign.outcome for sign in SIGNS if sign.fits(error)), None)
    if found is not None:
        return found
    if error.status == OK:
        return CallOutcome.NO_COMPLETION
    return CallOutcome.REQUEST_REFUSED if error.is_refused else CallOutcome.SERVER_ERROR


def page_title(text: str) -> str:
    """Return what a web page calls itself, "a web page" where it does not say; "" for what is no web page."""
    if not re.match(r"\s*(<!doctype html|<html|<head|<body)\b", text, re.IGNORECASE):
        return ""
    titles = re.search(r"<(title|h1)\b[^>]*>(.*?)</\1", text, re.IGNORECASE | re.DOTALL)
    title = " ".join(unescape(re.sub(r"<[^>]*>", " ", titles[2])).split()) if titles else ""
    return f"a web page titled {title!r}" if title else "a web page"


def message_of(error: object) -> str:
    """Return the message of an error, or all of it where it has none."""
    message = _at(error, "message") or _at(error, "msg") or _at(error, "status_msg")
    if isinstance(message, str):
        return message
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _at(found: object, name: str) -> Any:
    """Return a field of a JSON object; None where it is no object or has no such field."""
    return found.get(name) if isinstance(found, dict) else None


def _texts(found: object, depth: int = 6) -> Iterator[str]:
    """Yield the texts in a parsed body, in their order; of fields whose name is the news, such as failed_generation."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping) and depth:
        for name, value in found.items():
            if name not in _ECHOES:
                yield from _texts(value, depth - 1)
    elif isinstance(found, list) and depth:
        for value in found:
            yield from _texts(value, depth - 1)


_ECHOES: Final = frozenset({"failed_generation", "input", "headers", "body", "request", "raw"})
"""Fields in which a server repeats what it was sent or what the model wrote: their words are no sign."""


# ---- how long to wait

_UNITS: Mapping[str, float] = {
    "ms": 0.001, "millisecond": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400,
}  # fmt: skip
_NAMED_UNIT = r"milliseconds?|seconds?|minutes?|hours?|days?|secs?|mins?|ms|s|m|h|d"
_PART = rf"(\d{{1,9}}(?:\.\d{{1,9}})?)\s*({_NAMED_UNIT})(?![a-z])"
_WAIT: Final = re.compile(
    rf"(?:try(?:ing)?\s(?:again|your\srequest)|retry(?:ing)?|wait(?:ing)?)\b[^.\d]{{0,40}}((?:{_PART}[\s,]*(?:and\s)?)+)",
    re.IGNORECASE | re.ASCII,
)


def duration(text: str) -> float | None:
    """Return the seconds of a duration such as 6m0s, 1.5s, 20 ms or 3 minutes; None for anything else."""
    # In 1m30s a letter follows the unit of the first part; a digit does, which is none.
    parts = re.findall(_PART, text, re.IGNORECASE | re.ASCII)
    if not parts:
        return None
    return sum(float(number) * _UNITS[unit.lower() if unit.lower() in _UNITS else unit.lower().rstrip("s")]
               for number, unit in parts)  # fmt: skip


def _wait_in(message: str) -> float | None:
    """Return the wait that a sentence asks for, such as "Please retry in 25.6s" or "try again in 1m30s"."""
    found = _WAIT.search(message)
    return duration(found[1]) if found else None


def _named_wait(found: object) -> float | None:
    """Return the wait in a field: Google's RetryInfo, or what Hugging Face estimates."""
    for detail in _at(_at(found, "error"), "details") or []:
        delay = _at(detail, "retryDelay")
        if isinstance(delay, str) and (seconds := duration(delay)) is not None:
            return seconds
    estimated = _at(found, "estimated_time")
    return float(estimated) if isinstance(estimated, int | float) and 0 < estimated < 1e6 else None
