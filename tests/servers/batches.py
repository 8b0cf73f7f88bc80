"""The Batch API: files, batches that move on when they are looked at, and what can go wrong with them.

The first part of the path says how, at the creation of a batch (BATCH_FAULTS); any other path works as it should.
"""

import hashlib
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.servers.answers import Answer, answer, complete, failure, refuse

BATCH_FAULTS = {
    "batch_failing_lines": "one line in four is in the error file, not in the output",
    "batch_lost_lines": "one line in four is in neither file",
    "batch_duplicates": "one line in four is in the output twice, with another reply the second time",
    "batch_foreign_lines": "the output has a line with a custom_id that nobody sent",
    "batch_bad_line": "one line of the output is no JSON",
    "batch_cut_output": "the output ends within a line",
    "batch_failed": "the batch fails at validation",
    "batch_expired": "the batch expires with half of its lines done",
    "batch_no_output": "completed with output_file_id null, all lines in the error file",
    "batch_stuck": "the batch stays in_progress",
    "batch_poll_500": "every other poll, the first one too, is answered with 500",
    "batch_upload_refused": "files are refused with 400",
    "batch_create_refused": "batches are refused with 429, too many are queued",
    "batch_unknown": "files and batches are answered with 404, as by a server without the Batch API",
}
"""What can go wrong, by the name in the path."""

LINE_LIMIT = 50_000
STEPS = ("validating", "in_progress", "finalizing", "completed")
ENDS = ("completed", "failed", "expired", "cancelled")

Answered = list[tuple[Mapping[str, object], Answer]]
"""Lines' bodies with their answers."""


@dataclass
class Line:
    """One request of a batch."""

    custom_id: str
    body: dict[str, object]


@dataclass
class Batch:
    """A batch; `polls` counts how often it was asked for."""

    id: str
    fault: str
    input_file_id: str
    endpoint: str
    metadata: object
    created: float
    lines: list[Line] = field(default_factory=list)
    errors: list[dict[str, object]] = field(default_factory=list)
    status: str = STEPS[0]
    polls: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    done: int = 0
    failed: int = 0
    times: dict[str, int] = field(default_factory=dict)

    def shown(self) -> dict[str, object]:
        """Write the batch object."""
        names = [f"{step}_at" for step in ("in_progress", "finalizing", "completed", "failed", "expired")]
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": int(self.created),
            "expires_at": int(self.created) + 86_400,
            **{name: self.times.get(name) for name in [*names, "cancelling_at", "cancelled_at"]},
            "request_counts": {"total": len(self.lines), "completed": self.done, "failed": self.failed},
            "metadata": self.metadata,
        }


class BatchDesk:
    """Keeps files and batches. A batch takes a step at every `polls_per_step` polls or `seconds_per_step` seconds."""

    def __init__(self, answer_line: Callable[[Mapping[str, object]], Answer]) -> None:
        self.polls_per_step = 1
        self.seconds_per_step = 0.0
        self.line_limit = LINE_LIMIT
        self.files: dict[str, tuple[dict[str, object], bytes]] = {}
        self.batches: dict[str, Batch] = {}
        self.answers: dict[str, Answered] = {}
        """What the lines of each output file were answered, once for each line in it."""
        self._answer_line = answer_line
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def serve(self, method: str, fault: str, steps: list[str], query: Mapping[str, str], posted: "Posted") -> Answer:
        """Answer a request to /files or /batches; `steps` is the path from there on."""
        if fault == "batch_unknown":
            return answer(404, {"detail": "Not Found"})
        with self._lock:
            found = self._files(method, fault, steps[1:], posted) if steps[0] == "files" else None
            found = self._batches(method, fault, steps[1:], query, posted) if steps[0] == "batches" else found
        return found or refuse(404, None, f"Invalid URL ({method} /{'/'.join(steps)})")

    def _files(self, method: str, fault: str, steps: list[str], posted: "Posted") -> Answer | None:
        match method, steps:
            case "POST", []:
                return self._upload(fault, posted)
            case "DELETE", [file_id]:
                gone = self.files.pop(file_id, None) is not None
                return answer(200, {"id": file_id, "object": "file", "deleted": gone})
            case "GET", [file_id, *_] if file_id not in self.files:
                return _no_such("File", file_id)
            case "GET", [file_id]:
                return answer(200, self.files[file_id][0])
            case "GET", [file_id, "content"]:
                return Answer(200, self.files[file_id][1], "application/octet-stream")
        return None

    def _batches(
        self, method: str, fault: str, steps: list[str], query: Mapping[str, str], posted: "Posted"
    ) -> Answer | None:
        match method, steps:
            case "POST", []:
                return self._create(fault, posted)
            case "GET", []:
                return self._list(query)
            case "GET", [batch_id]:
                return self._poll(fault, batch_id)
            case "POST", [batch_id, "cancel"]:
                return self._cancel(batch_id)
        return None

    def _upload(self, fault: str, posted: "Posted") -> Answer:
        fields = posted.fields()
        if fault == "batch_upload_refused":
            return refuse(400, "invalid_file", "Files are not taken today.")
        if "file" not in fields or fields.get("purpose") != b"batch":
            return refuse(400, None, "A file and the purpose batch are needed.")
        return answer(200, self._keep(fields["file"], "batch", posted.filename() or "file"))

    def _keep(self, content: bytes, purpose: str, filename: str) -> dict[str, object]:
        file_id = f"file-{next(self._numbers):04}"
        about: dict[str, object] = {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
        }
        self.files[file_id] = about, content
        return about

    def _create(self, fault: str, posted: "Posted") -> Answer:
        asked = posted.json()
        if fault == "batch_create_refused":
            return refuse(429, "token_limit_exceeded", "Enqueued token limit reached.")
        if asked.get("input_file_id") not in self.files:
            return _no_such("File", str(asked.get("input_file_id")))
        if asked.get("completion_window") != "24h" or asked.get("endpoint") != "/v1/chat/completions":
            return refuse(400, "invalid_request", "The window must be 24h, the endpoint /v1/chat/completions.")
        batch = Batch(
            f"batch_{len(self.batches) + 1:04}",
            fault,
            str(asked["input_file_id"]),
            str(asked["endpoint"]),
            asked.get("metadata"),
            time.time(),
        )
        self.batches[batch.id] = batch
        return answer(200, batch.shown())

    def _list(self, query: Mapping[str, str]) -> Answer:
        """List the newest first."""
        found = list(reversed(self.batches))
        if "after" in query:
            if query["after"] not in found:
                return _no_such("Batch", query["after"])
            found = found[found.index(query["after"]) + 1 :]
        page = found[: int(query.get("limit", "20"))]
        return answer(
            200,
            {
                "object": "list",
                "data": [self.batches[batch_id].shown() for batch_id in page],
                "first_id": page[0] if page else None,
                "last_id": page[-1] if page else None,
                "has_more": len(page) < len(found),
            },
        )

    def _poll(self, fault: str, batch_id: str) -> Answer:
        batch = self.batches.get(batch_id)
        if batch is None:
            return _no_such("Batch", batch_id)
        batch.polls += 1
        if fault == "batch_poll_500" and batch.polls % 2:
            return refuse(500, "server", "Oops.")
        self._move(batch)
        return answer(200, batch.shown())

    def _cancel(self, batch_id: str) -> Answer:
        batch = self.batches.get(batch_id)
        if batch is None:
            return _no_such("Batch", batch_id)
        if batch.status in ENDS:
            return refuse(409, None, f"Cannot cancel a batch with status {batch.status}.")
        if batch.status != "cancelling":
            self._enter(batch, "cancelling")
        return answer(200, batch.shown())

    def _move(self, batch: Batch) -> None:
        """Take as many steps as are due."""
        if batch.status == "cancelling":
            self._finish(batch, len(batch.lines) // 2, "cancelled")
            return
        if self.seconds_per_step:
            due = int((time.time() - batch.created) / self.seconds_per_step)
        else:
            seen = batch.polls // 2 if batch.fault == "batch_poll_500" else batch.polls
            due = seen // self.polls_per_step
        while batch.status not in ENDS and STEPS.index(batch.status) < min(due, len(STEPS) - 1):
            if batch.status == "in_progress" and batch.fault == "batch_stuck":
                return
            self._step(batch)

    def _step(self, batch: Batch) -> None:
        if batch.status == "validating":
            self._validate(batch)
            self._enter(batch, "failed" if batch.errors else "in_progress")
        elif batch.status == "finalizing":
            self._finish(batch, len(batch.lines), "completed")
        elif batch.fault == "batch_expired":
            self._finish(batch, len(batch.lines) // 2, "expired")
        else:
            self._enter(batch, "finalizing")

    def _enter(self, batch: Batch, status: str) -> None:
        batch.status = status
        batch.times[f"{status}_at"] = int(time.time())

    def _validate(self, batch: Batch) -> None:
        """Read the lines; what is wrong with them fails the batch."""
        texts = self.files[batch.input_file_id][1].decode("utf-8", "replace").split("\n")
        seen: set[str] = set()
        for number, text in enumerate(texts, 1):
            if not text.strip():
                continue
            line, code = _read_line(text, batch.endpoint)
            if line is None or line.custom_id in seen:
                error = {"code": code or "duplicate_custom_id", "line": number, "message": "Bad line.", "param": None}
                batch.errors.append(error)
            else:
                seen.add(line.custom_id)
                batch.lines.append(line)
        wrong = {
            "empty_file": not batch.lines and not batch.errors,
            "mismatched_model": len({str(line.body.get("model")) for line in batch.lines}) > 1,
            "too_many_tasks": len(batch.lines) > self.line_limit,
            "invalid_request": batch.fault == "batch_failed",
        }
        batch.errors += [
            {"code": code, "line": None, "message": "The file cannot be used.", "param": None}
            for code, is_wrong in wrong.items()
            if is_wrong
        ]

    def _finish(self, batch: Batch, count: int, status: str) -> None:
        """Answer so many lines, leave the others unanswered, and write both files."""
        lines = sorted(batch.lines, key=lambda line: hashlib.sha256(line.custom_id.encode()).digest())
        output: list[str] = []
        errors: list[str] = []
        answered: Answered = []
        for place, line in enumerate(lines):
            if place >= count:
                errors.append(_error_line(line, f"batch_{status}", "This request was not executed in time."))
            elif batch.fault == "batch_no_output" or (batch.fault == "batch_failing_lines" and place % 4 == 1):
                errors.append(_error_line(line, "server_error", "The server had an error."))
                batch.failed += 1
            elif batch.fault != "batch_lost_lines" or place % 4 != 1:
                self._answer(batch, place, line, output, answered)
        if batch.fault == "batch_foreign_lines" and lines:
            output.append(_output_line(Line("nobody-asked", {}), Answer(200, b"{}")))
        if batch.fault == "batch_bad_line" and output:
            output[len(output) // 2] = '{"id": "batch_req_x", "custom_id": '
            del answered[len(output) // 2]
        text = "".join(line + "\n" for line in output)
        if batch.fault == "batch_cut_output" and output:
            text = text[: -len(output[-1]) // 2]
            answered.pop()
        if output:
            batch.output_file_id = str(self._keep(text.encode(), "batch_output", f"{batch.id}_output.jsonl")["id"])
            self.answers[batch.output_file_id] = answered
        if errors:
            content = "".join(line + "\n" for line in errors).encode()
            batch.error_file_id = str(self._keep(content, "batch_output", f"{batch.id}_error.jsonl")["id"])
        self._enter(batch, status)

    def _answer(self, batch: Batch, place: int, line: Line, output: list[str], answered: Answered) -> None:
        """Answer one line, twice where the fault says so."""
        given = [self._answer_line(line.body)]
        if batch.fault == "batch_duplicates" and place % 4 == 1:
            given.append(complete("A second reply to the same line."))
        output += [_output_line(line, one) for one in given]
        answered += [(line.body, one) for one in given]
        batch.done += 1


@dataclass(frozen=True, slots=True)
class Posted:
    """The body of a request."""

    content_type: str
    body: bytes

    def json(self) -> dict[str, object]:
        """Read a JSON object; nothing where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def fields(self) -> dict[str, bytes]:
        """Read the fields of a form with a file in it."""
        return {name: content for name, _, content in self._parts()}

    def filename(self) -> str:
        """Name the file in the form."""
        return next((filename for _, filename, _ in self._parts() if filename), "")

    def _parts(self) -> list[tuple[str, str, bytes]]:
        found = re.search(r'boundary="?([^";]+)', self.content_type)
        if not found:
            return []
        parts = []
        for part in (b"\r\n" + self.body).split(b"\r\n--" + found[1].encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            named = re.search(rb'\bname="([^"]*)"', head)
            file = re.search(rb'filename="([^"]*)"', head)
            parts.append((named[1].decode() if named else "", file[1].decode() if file else "", content))
        return parts


def _read_line(text: str, endpoint: str) -> tuple[Line | None, str]:
    """Read one line of an input file, or say what is wrong with it."""
    try:
        found = json.loads(text)
    except ValueError:
        return None, "invalid_json_line"
    if not isinstance(found, dict) or not isinstance(found.get("custom_id"), str):
        return None, "missing_required_parameter"
    if found.get("method") != "POST" or found.get("url") != endpoint:
        return None, "invalid_url"
    if not isinstance(found.get("body"), dict):
        return None, "missing_required_parameter"
    return Line(found["custom_id"], found["body"]), ""


def _output_line(line: Line, given: Answer) -> str:
    response = {"status_code": given.status, "request_id": f"req_{line.custom_id}", "body": json.loads(given.body)}
    shown = {"id": f"batch_req_{line.custom_id}", "custom_id": line.custom_id, "response": response, "error": None}
    return json.dumps(shown)


def _error_line(line: Line, code: str, message: str) -> str:
    """Write a line of the error file: an error of the batch, or of the one request."""
    shown: dict[str, object] = {"id": f"batch_req_{line.custom_id}", "custom_id": line.custom_id}
    if code == "server_error":
        response = {"status_code": 500, "request_id": "req_x", "body": failure(code, message)}
        return json.dumps(shown | {"response": response, "error": None})
    return json.dumps(shown | {"response": None, "error": {"code": code, "message": message}})


def _no_such(kind: str, name: str) -> Answer:
    return refuse(404, None, f"No such {kind} object: {name}")
