"""A chat model behind an OpenAI-compatible endpoint."""

import asyncio
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from srt_core.errors import TeacherStopError
from srt_core.records import Pair, Stage
from srt_core.reflect.finish import told_limit
from srt_core.reflect.teacher.address import OPENAI_HOST, read_address, read_key
from srt_core.reflect.teacher.answers import AnswerReader
from srt_core.reflect.teacher.ask import Answer, Ask, request_hash
from srt_core.reflect.teacher.kinds import CallOutcome
from srt_core.reflect.teacher.looking import ModelList, list_models, speaks_tls
from srt_core.reflect.teacher.settings import OWN, RESPONSE_FORMAT, Change, Wording
from srt_core.reflect.teacher.signs import ErrorBody
from srt_core.reflect.teacher.transport import CONNECT_SECONDS, MOST_CONNECTIONS, Transport, certificates

if TYPE_CHECKING:
    import openai

_PERHAPS_A_SETTING: Final = frozenset({
    CallOutcome.REQUEST_REFUSED, CallOutcome.FORMAT_REFUSED, CallOutcome.UNKNOWN_MODEL, CallOutcome.TOO_LONG,
    CallOutcome.SERVER_ERROR,
})  # fmt: skip
"""What an error may be taken for that refuses a setting."""
_ABSENT: Final = frozenset({
    "ClientConnectorError", "ClientConnectorDNSError", "ClientConnectorSSLError", "ClientHttpProxyError",
    "ConnectionTimeoutError", "ConnectionRefusedError",
})  # fmt: skip
"""Names of the transport's errors that mean that no connection was made."""
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What OpenSSL calls an answer that is no TLS."""
_NAME_HINT: Final = "Write the host in the address as the certificate names it, or give the server one for this name."
_PLAIN_HINT: Final = "Begin the address with http://."


_ANY: Final = (Stage.RESPONSE, Pair("", ""))


class OpenAITeacher:
    """A chat model behind an OpenAI-compatible endpoint.

    `temperature` None sends none; `extra_body` are further fields of each request, such as `reasoning_effort`.
    `deadline_seconds` limits a whole call, however slowly its answer arrives. The key is read from the environment
    variable that `api_key_variable` names; a server other than OpenAI's may need none. There are no retries: the caller
    decides on them.

    Raises:
        TeacherStopError: the address is no http(s) address, the key is missing or cannot be one, or the extra body
            holds a field that requests have anyway.
    """

    is_live = True

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key_variable: str = "OPENAI_API_KEY",
        temperature: float | None = 0.0,
        max_tokens: int = 2048,
        deadline_seconds: float = 120,
        extra_body: Mapping[str, object] | None = None,
    ) -> None:
        if not model.strip():
            raise TeacherStopError("No model is named.", "Give the model's name as its endpoint knows it.")
        self._extra = dict(extra_body or {})
        for name in OWN.keys() & self._extra.keys():
            raise TeacherStopError(f"The extra body holds {name}, which a request has anyway.", f"Give {OWN[name]}.")
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.deadline_seconds = deadline_seconds
        self._model = model
        self._address = read_address(base_url)
        self._key = read_key(api_key_variable, self._address)
        self.reader = AnswerReader(self.name, self._key, model, self._address.advice)
        self._client: openai.AsyncOpenAI | None = None
        self._http: Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_connected = False
        self._models: ModelList | None = None
        self._wording = Wording(self._extra)

    @property
    def name(self) -> str:
        """The model and its host, such as `gpt-x at api.openai.com`."""
        return f"{self._model} at {self._address.shown}"

    @property
    def model(self) -> str:
        """The model's name at its endpoint."""
        return self._model

    def __repr__(self) -> str:
        return f"OpenAITeacher({self.name!r})"

    async def ask(self, ask: Ask) -> Answer:
        """Send one chat completion request and return its Answer, whatever the server does.

        It does not use the openai client, in which building a request takes longer than everything else here.
        """
        import aiohttp

        started = time.monotonic()
        used, body = self.changes, self.body(ask)
        try:
            async with asyncio.timeout(self.deadline_seconds):
                response = await self._transport().post("chat/completions", json.dumps(body).encode())
        except (aiohttp.ClientError, ValueError, OSError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                problem = f"{self.deadline_seconds:g} seconds passed"
                return self.reader.failure(CallOutcome.TIMED_OUT, problem, None, time.monotonic() - started)
            return await self._explained(self._connection(error, time.monotonic() - started))
        self._has_connected = True
        seconds = time.monotonic() - started
        if response.status >= 300:
            text = response.body.decode(errors="replace")
            refusal = self._status(response.status, text, seconds, response.headers, (body, used))
            return await self._explained(refusal)
        answer = self.reader.completion(response.body, seconds, response.headers, response.charset)
        if answer.is_reply:
            return self.with_limit(answer)
        if (answer.http_status or 0) >= 400:  # a refusal that calls itself a success
            answer = self._put_otherwise(answer, response.body.decode(errors="replace"), (body, used))
        return await self._explained(answer)

    def with_limit(self, answer: Answer) -> Answer:
        """Return an answer, its finish reason with what its count of tokens says of the limit that was asked for."""
        body = self._wording.put({"max_tokens": self.max_tokens, "messages": [{"role": "user", "content": ""}]})
        limit = body.get("max_tokens", body.get("max_completion_tokens"))
        return replace(answer, finish_reason=told_limit(answer.finish_reason, answer.completion_tokens, limit))

    async def models(self) -> ModelList:
        """Return the server's list of models, asked for once; its problem where it has none."""
        if self._models is None:
            self._models = await list_models(self._transport(), self._key, self.reader)
        return self._models

    async def _explained(self, answer: Answer) -> Answer:
        """Say better what is wrong where the server can be asked: a model's name, a port that speaks TLS."""
        if answer.outcome is CallOutcome.UNKNOWN_MODEL and (near := (await self.models()).nearest(self._model)):
            return replace(answer, hint=f"{answer.hint} {self.reader.key.redacted(near)}")
        is_plain = self._address.base_url.startswith("http:")
        if answer.outcome is CallOutcome.CONNECTION_BROKE and is_plain and not self._has_connected:
            self._has_connected = True  # asked once
            if await speaks_tls(self._address):
                return self.reader.failure(
                    CallOutcome.WRONG_ADDRESS, "its port speaks TLS alone", hint="Begin the address with https://."
                )
        return answer

    def body(self, ask: Ask) -> dict[str, Any]:
        """Return the body of the request, as the server was found to take it."""
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": [dict(message) for message in ask.messages],
            "max_tokens": self.max_tokens,
        }
        if self.temperature is not None:
            asked["temperature"] = self.temperature
        if ask.response_format is not None:
            asked[RESPONSE_FORMAT] = ask.response_format
        return self._wording.put(asked | self._extra)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is done to every request, since the server refuses it as it was asked for."""
        return self._wording.changes

    @changes.setter
    def changes(self, known: Sequence[Change]) -> None:
        """Put requests as the server was found to take them before."""
        self._wording.changes = tuple(known)

    def request_hash(self, ask: Ask) -> str:
        """Return the hash of what the curator asks for: model, messages, settings, extra body and JSON schema.

        It does not depend on what the server refuses, so a reply is found again however the request had to be put.
        """
        return request_hash(
            self._model, ask.messages, self.temperature, self.max_tokens, ask.response_format, self._extra, ask.examples
        )

    def _transport(self) -> Transport:
        """Return the transport of the running event loop, as connections cannot be used from another."""
        if self._http is None or self._http.loop is not asyncio.get_running_loop():
            self._http = Transport(self._address, self._key)
        return self._http

    async def close(self) -> None:
        """Close the connections of this event loop."""
        loop = asyncio.get_running_loop()
        if self._http is not None and self._http.loop is loop:
            await self._http.close()
        if self._client is not None and self._loop is loop:
            await self._client.close()
        self._http = self._client = self._loop = None

    def client(self) -> "openai.AsyncOpenAI":
        """Return the openai client of the running event loop, for the Batch API; without retries."""
        import httpx2
        import openai

        if self._client is None or self._loop is not asyncio.get_running_loop():
            self._loop = asyncio.get_running_loop()
            timeout = openai.Timeout(self.deadline_seconds, connect=CONNECT_SECONDS)
            self._client = openai.AsyncOpenAI(
                api_key=self._key.value,
                base_url=self._address.base_url,
                default_query=dict(parse_qsl(self._address.api_version)),
                default_headers={"api-key": self._key.value} if self._address.api_version else {},
                timeout=timeout,
                max_retries=0,
                http_client=openai.DefaultAioHttpClient(
                    timeout=timeout,
                    verify=certificates(self._address),
                    limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
                    trust_env=not self._address.is_loopback,
                ),
            )
        return self._client

    def judge(self, error: Exception, latency_seconds: float = 0.0) -> Answer:
        """Return the Answer for an error of the client: an error status, a broken connection or an unreadable body."""
        import openai

        if isinstance(error, openai.APIStatusError):
            response = error.response
            return self._status(response.status_code, response.text, latency_seconds, response.headers)
        if isinstance(error, openai.APIConnectionError):
            return self._connection(error, latency_seconds)
        problem = f"{type(error).__name__}: {error}"
        return self.reader.failure(CallOutcome.NO_COMPLETION, problem, None, latency_seconds)

    def judge_line(self, status: int, error: str, used: Sequence[Change]) -> Answer:
        """Return the Answer for an error in one line of a batch whose requests were put with the changes `used`.

        A refused setting is SETTING_REFUSED for every line, not only for the first that reports it: all lines were
        written before any could be refused.
        """
        like = Ask(({"role": "system", "content": ""}, {"role": "user", "content": ""}), *_ANY, {})
        return self._status(status, error, request=(self.body(like), used))

    def _status(
        self,
        status: int,
        text: str,
        latency_seconds: float = 0.0,
        headers: Mapping[str, str] | None = None,
        request: tuple[Mapping[str, Any], Sequence[Change]] | None = None,
    ) -> Answer:
        """Return the Answer for an error status, by `_put_otherwise` where the request is known."""
        answer = self.reader.error(status, text, latency_seconds, headers)
        return answer if request is None else self._put_otherwise(answer, text, request)

    def _put_otherwise(self, answer: Answer, text: str, request: tuple[Mapping[str, Any], Sequence[Change]]) -> Answer:
        """Return the Answer of a refusal as it is, or, where it refuses a setting, put that otherwise from now on.

        `request`: the body that was sent, and the changes that it was put with. Calls that were under way when the
        first was refused are refused for the same, and may be made again as the next request is put.
        """
        status = answer.http_status or 0
        if answer.outcome not in _PERHAPS_A_SETTING:
            return answer
        refused = self._wording.learn(status, self.reader.key.redacted(text), *request)
        if refused is None:
            return answer
        outcome = CallOutcome.SETTING_REFUSED
        if refused.hint:
            outcome = CallOutcome.OPTION_REFUSED
        elif refused.setting == RESPONSE_FORMAT:
            outcome = CallOutcome.FORMAT_REFUSED
        problem = f"HTTP {status}, {ErrorBody.parse(status, text).message}"
        return self.reader.failure(outcome, problem, text, answer.latency_seconds, status, hint=refused.hint)

    def _connection(self, error: Exception, latency_seconds: float) -> Answer:
        """Return the Answer for a connection error: UNREACHABLE or CONNECTION_BROKE."""
        causes = _causes(error)
        problem = str(causes[-1]) or type(causes[-1]).__name__
        refusal = next((cause for cause in reversed(causes) if type(cause) is ssl.SSLCertVerificationError), None)
        if refusal is not None:
            hint = _NAME_HINT if "mismatch" in refusal.verify_message else None
            return self.reader.failure(
                CallOutcome.NOT_TRUSTED, refusal.verify_message, None, latency_seconds, hint=hint
            )
        if any(sign in problem.upper().replace(" ", "_") for sign in _NO_TLS):
            return self.reader.failure(
                CallOutcome.WRONG_ADDRESS, "its port speaks no TLS", None, latency_seconds, hint=_PLAIN_HINT
            )
        is_absent = any(type(cause).__name__ in _ABSENT for cause in causes)
        outcome = CallOutcome.UNREACHABLE if is_absent else CallOutcome.CONNECTION_BROKE
        return self.reader.failure(outcome, problem, None, latency_seconds)


def models_at(base_url: str, api_key_variable: str = "") -> ModelList:
    """Ask the server at an address for its models, without a key where no variable is named."""

    async def ask() -> ModelList:
        teacher = OpenAITeacher(base_url, "any", api_key_variable=api_key_variable)
        try:
            return await teacher.models()
        finally:
            await teacher.close()

    try:
        if not api_key_variable and read_address(base_url).host == OPENAI_HOST:
            return ModelList(problem="OpenAI lists them to a key alone.", wants_key=True)
        return asyncio.run(ask())
    except TeacherStopError as error:
        return ModelList(problem=error.message)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and the chain of its causes, the first cause last."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    return causes
