"""The Batch API of an OpenAI-compatible endpoint: upload requests, create a batch, poll it, download its lines.

A batch has a tag of ours in its metadata, so that one whose id was lost in a crash can be found again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from srt_core.errors import TeacherStopError
from srt_core.reflect.teacher.ask import LONGEST_WAIT_SECONDS, Answer, Ask, CallOutcome
from srt_core.reflect.teacher.live import OpenAITeacher
from srt_core.reflect.teacher.settings import Change

if TYPE_CHECKING:
    import openai

MOST_REQUESTS: Final = 50_000
MOST_BYTES: Final = 150_000_000
TAG: Final = "srt"
ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
TRIES: Final = 4
TRANSFER_SECONDS: Final = 600.0
"""Time limit of an upload or download, or the teacher's own limit for a call if that is longer."""
LISTED_PAGES: Final = 10

_Found = TypeVar("_Found")


class BatchCallError(TeacherStopError):
    """A call of the Batch API that failed; `answer` says how, None where the response was not what was asked for."""

    def __init__(self, message: str, hint: str, answer: Answer | None = None) -> None:
        super().__init__(message, hint)
        self.answer = answer

    @property
    def _status(self) -> int:
        return (self.answer.http_status if self.answer else None) or 0

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed later."""
        return self.answer is not None and self.answer.outcome.passes

    @property
    def is_refusal(self) -> bool:
        """Whether the server refused the call, so that it certainly had no effect; a timeout proves nothing."""
        return 400 <= self._status < 500 and self._status not in (408, 409)

    @property
    def is_unknown(self) -> bool:
        """Whether there is nothing at that address."""
        return self._status in (404, 405)


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """The state of a batch at the teacher. `files` are its output and error files; `detail` says why it failed."""

    remote_id: str
    state: str
    files: tuple[str, ...]
    done: int
    total: int
    detail: str

    @property
    def has_ended(self) -> bool:
        """Whether it has reached a final state."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a batch's output: the answer to the request of that hash."""

    request_hash: str
    answer: Answer


async def _list(client: "openai.AsyncOpenAI", after: str) -> object:
    return await (client.batches.list(limit=100, after=after) if after else client.batches.list(limit=100))


class Batches:
    """The batches of one teacher. Every method that calls the server raises BatchCallError where the call fails."""

    def __init__(self, teacher: OpenAITeacher) -> None:
        self._teacher = teacher

    def line(self, request_hash: str, ask: Ask) -> bytes:
        """Return one request as a line of the file to upload."""
        asked = {
            "custom_id": request_hash,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": self._teacher.body(ask),
        }
        return json.dumps(asked, ensure_ascii=False).encode() + b"\n"

    async def upload(self, lines: Iterable[bytes], tag: str) -> str:
        """Upload requests; return the file's id at the teacher."""
        client = self._teacher.client()
        content = b"".join(lines)
        seconds = self._transfer_seconds
        try:
            file = await self._call(
                lambda: client.files.create(file=(f"{tag}.jsonl", content), purpose="batch", timeout=seconds),
                seconds=seconds,
            )
        except BatchCallError as error:
            if not error.is_unknown:
                raise
            refusal = error
        else:
            file_id = getattr(file, "id", None)
            if isinstance(file_id, str) and file_id:
                return file_id
            raise self._no_batches("took no file")
        raise BatchCallError(
            f"The teacher {self._teacher.name} has no Batch API at this address.",
            "Leave out the batch: the same calls are made one by one.",
            refusal.answer,
        )

    async def create(self, file_id: str, tag: str) -> RemoteBatch:
        """Create a batch of an uploaded file.

        Never retried: a call that seemed to fail may have created the batch, and a second one would be paid for too.
        The tag finds the first.
        """
        client = self._teacher.client()
        made = await self._call(
            lambda: client.batches.create(
                input_file_id=file_id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={TAG: tag},
            ),
            tries=1,
        )
        return self._read(made)

    async def find(self, tag: str) -> RemoteBatch | None:
        """Return the batch with this tag among the latest ones, or None."""
        client = self._teacher.client()
        after = ""
        for _ in range(LISTED_PAGES):
            page = await self._call(partial(_list, client, after))
            found = [batch for batch in getattr(page, "data", None) or [] if batch is not None]
            for batch in found:
                metadata = getattr(batch, "metadata", None)
                if isinstance(metadata, Mapping) and metadata.get(TAG) == tag:
                    return self._read(batch)
            if not found or not getattr(page, "has_more", False):
                return None
            after = str(found[-1].id)
        return None

    async def poll(self, remote_id: str) -> RemoteBatch:
        """Return the state of a batch."""
        client = self._teacher.client()
        return self._read(await self._call(lambda: client.batches.retrieve(remote_id)))

    async def lines(self, file_id: str) -> AsyncIterator[Line]:
        """Download a file of results and yield its lines; those that are no result are left out."""
        client = self._teacher.client()
        seconds = self._transfer_seconds
        content = await self._call(lambda: client.files.content(file_id, timeout=seconds), seconds=seconds)
        used = self._teacher.changes
        for text in content.content.split(b"\n"):
            if text.strip() and (line := self._line(text, used)) is not None:
                yield line

    def _line(self, text: bytes, used: Sequence[Change]) -> Line | None:
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, dict) or not isinstance(found.get("custom_id"), str):
            return None
        return Line(found["custom_id"], self._answer(found, used))

    def _answer(self, found: Mapping[str, Any], used: Sequence[Change]) -> Answer:
        """Return the Answer in one result: a response with its status, or an error."""
        reader = self._teacher.reader
        response = found.get("response")
        if isinstance(response, dict):
            status = response.get("status_code")
            body = response.get("body")
            if isinstance(status, int) and status >= 400:
                return self._teacher.judge_line(status, json.dumps(body, ensure_ascii=False), used)
            return self._teacher.with_limit(reader.completion_object(body))
        error = found.get("error")
        message = error.get("message") if isinstance(error, dict) else None
        body = json.dumps(found, ensure_ascii=False)
        return reader.failure(CallOutcome.SERVER_ERROR, str(message or "the batch brought no response"), body)

    def _read(self, batch: object) -> RemoteBatch:
        remote_id = getattr(batch, "id", None)
        if not isinstance(remote_id, str) or not remote_id:
            raise self._no_batches("sent no batch")
        files = (getattr(batch, "output_file_id", None), getattr(batch, "error_file_id", None))
        counts = getattr(batch, "request_counts", None)
        errors = getattr(getattr(batch, "errors", None), "data", None) or []
        key = self._teacher.reader.key
        return RemoteBatch(
            remote_id,
            key.shortened(str(getattr(batch, "status", ""))),
            tuple(file for file in files if isinstance(file, str) and file),
            sum(int(getattr(counts, name, 0) or 0) for name in ("completed", "failed")),
            int(getattr(counts, "total", 0) or 0),
            key.shortened("; ".join(str(getattr(error, "message", "")) for error in errors[:3])),
        )

    @property
    def _transfer_seconds(self) -> float:
        return max(self._teacher.deadline_seconds, TRANSFER_SECONDS)

    def _no_batches(self, problem: str) -> BatchCallError:
        return BatchCallError(f"The teacher {self._teacher.name} {problem}.", "It may have no Batch API: leave it out.")

    async def _call(
        self, ask: Callable[[], Awaitable[_Found]], tries: int = TRIES, seconds: float | None = None
    ) -> _Found:
        """Make one call of the API, with retries after temporary failures."""
        import openai

        deadline = seconds or self._teacher.deadline_seconds
        for number in range(1, tries + 1):
            try:
                async with asyncio.timeout(deadline):
                    return await ask()
            except TimeoutError:
                answer = self._teacher.reader.failure(CallOutcome.TIMED_OUT, f"{deadline:g} seconds passed")
            except (openai.OpenAIError, ValueError) as error:
                answer = self._teacher.judge(error)
            # Raised out here, so that the client's own error, whose text may hold the key, is no part of the traceback.
            wait = answer.retry_after_seconds
            if not answer.outcome.passes or number == tries or (wait or 0.0) > LONGEST_WAIT_SECONDS:
                raise BatchCallError(answer.detail, answer.hint, answer)
            await asyncio.sleep(0.5 * 2 ** (number - 1) if wait is None else wait)
        raise AssertionError("unreachable")
