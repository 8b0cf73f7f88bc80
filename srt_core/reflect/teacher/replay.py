"""Recorded replies in place of a live teacher."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from srt_core.errors import TeacherStopError
from srt_core.records import NO_CONTEXT, Context, Pair, Stage
from srt_core.reflect.teacher.ask import Answer, Ask, request_hash
from srt_core.reflect.teacher.kinds import NOT_RECORDED_HINT, CallOutcome
from srt_core.reflect.teacher.settings import Change

FIELDS: Final = ("stage", "instruction", "input", "response", "reply", "finish_reason")


class ReplayTeacher:
    """Recorded replies in a JSON Lines file, one call a line, found by the stage and the pair that they are about.

    Each line has `stage`, `instruction`, `input`, `response` (the pair reflected on), `reply`, `finish_reason` and
    perhaps `model`, and the pair's `context` where it has one: a list of messages with role and content. Of several
    lines about the same pair the last counts: it was the last try.

    Raises:
        TeacherStopError: the file cannot be read, or a line of it is no recorded reply.
    """

    is_live = False

    def __init__(self, path: Path) -> None:
        self.changes: Sequence[Change] = ()
        self._path = path
        self._replies = _read_recording(path)

    @property
    def name(self) -> str:
        """The file that is replayed, without its folder."""
        return f"replay of {self._path.name}"

    @property
    def model(self) -> str:
        """The same: a recording has no price."""
        return self.name

    async def ask(self, ask: Ask) -> Answer:
        """Return the recorded reply about this pair, or an Answer NOT_RECORDED."""
        found = self._replies.get((ask.stage, ask.pair))
        if found is not None:
            return found
        return Answer(
            CallOutcome.NOT_RECORDED,
            detail=f"{self._path.name} holds no reply of the {ask.stage} stage about this pair.",
            hint=NOT_RECORDED_HINT,
        )

    def request_hash(self, ask: Ask) -> str:
        """Return the hash of the recording's name and the messages: there are no other settings."""
        return request_hash(self.name, ask.messages, 0.0, 0, examples=ask.examples)

    async def close(self) -> None:
        """Do nothing: the file was read whole."""


def record_reply(ask: Ask, answer: Answer) -> Mapping[str, object]:
    """Return a call as a line of a recording that ReplayTeacher reads (serialise it with json.dumps)."""
    pair = ask.pair
    about = {"stage": str(ask.stage), "instruction": pair.instruction, "input": pair.input, "response": pair.response}
    context = {"context": pair.context.messages} if pair.context else {}
    return about | context | {"reply": answer.text or "", "finish_reason": answer.finish_reason, "model": answer.model}


def _read_recording(path: Path) -> dict[tuple[Stage, Pair], Answer]:
    """Return all recorded replies of a file, by stage and pair."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TeacherStopError(
            f"The recorded replies {path} cannot be read: {error.strerror}.", "Give a JSON Lines file of replies."
        ) from error
    replies = dict(_read_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    if not replies:
        raise TeacherStopError(f"{path} holds no recorded reply.", "Give a JSON Lines file of replies.")
    return replies


def _read_line(path: Path, number: int, line: bytes) -> tuple[tuple[Stage, Pair], Answer]:
    """Return one recorded reply with its stage and pair."""
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _no_recording(path, number, "it is no JSON in UTF-8") from error
    if not isinstance(record, dict):
        raise _no_recording(path, number, "it is no JSON object")
    for field in FIELDS:
        if not isinstance(record.get(field), str) or re.search("[\ud800-\udfff]", record[field]):
            raise _no_recording(path, number, f"its {field} is missing or no text")
    if record["stage"] not in list(Stage):
        raise _no_recording(path, number, f"its stage is neither {' nor '.join(Stage)}")
    try:
        context = _read_context(record)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_recording(path, number, "its context is no list of messages with role and content") from error
    pair = Pair(record["instruction"], record["response"], record["input"], context)
    answer = Answer(CallOutcome.ANSWERED, record["reply"], record["finish_reason"], str(record.get("model", "")))
    return (Stage(record["stage"]), pair), answer


def _read_context(record: Mapping[str, object]) -> Context:
    """Return the context of a recorded pair; KeyError, TypeError or ValueError where it is none."""
    return Context.from_json(json.dumps(record["context"])) if "context" in record else NO_CONTEXT


def _no_recording(path: Path, number: int, problem: str) -> TeacherStopError:
    return TeacherStopError(
        f"Line {number} of {path} is no recorded reply: {problem}.", f"It needs the texts {', '.join(FIELDS)}."
    )
