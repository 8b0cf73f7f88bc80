"""One question to a teacher, and its answer as a JSON object, or why there is none."""

import json
import re
from collections.abc import Mapping
from typing import Any

from srt_core.errors import TeacherError, TeacherStopError
from srt_core.records import Pair, Stage
from srt_core.reflect.event_loop import EventLoop
from srt_core.reflect.patience import ask_patiently
from srt_core.reflect.teacher import Ask, Teacher

MOST_IN_A_ROW = 10
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class NoAnswerError(Exception):
    """The teacher gave no answer that can be used; the text says why."""


def ask_for_object(loop: EventLoop, teacher: Teacher, system: str, user: str, pair: Pair) -> Mapping[str, Any]:
    """Return the JSON object of a reply.

    Raises:
        NoAnswerError: the call failed a few times, or the reply is no JSON object.
        TeacherStopError: no further call can succeed.
    """
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    answer = loop.run(ask_patiently(teacher, Ask(messages, Stage.RESPONSE, pair)))
    if answer.is_reply:
        return _read(answer.text or "")
    if answer.outcome.stops:
        raise TeacherStopError(answer.detail, answer.hint)
    raise NoAnswerError(answer.detail or str(answer.outcome))


def check_failures(in_a_row: int, why: str) -> None:
    """TeacherError where so many questions have failed one after the other that the next would, too."""
    if in_a_row >= MOST_IN_A_ROW:
        raise TeacherError(
            f"{in_a_row} questions failed one after the other, the last one: {why}",
            "Look at the server, then give the command again: it goes on, and asks again what failed.",
        )


def _read(text: str) -> Mapping[str, Any]:
    found = _OBJECT.search(text)
    try:
        read = json.loads(found[0] if found else "")
    except ValueError as error:
        raise NoAnswerError(f"the reply is no JSON object: {text[:80]!r}") from error
    if not isinstance(read, dict):
        raise NoAnswerError("the reply is no JSON object")
    return read


def pair_text(pair: Pair) -> str:
    """Return a pair as JSON, so that no text in it passes for the question's own words."""
    return json.dumps(
        {"instruction": pair.instruction, "input": pair.input, "response": pair.response}, ensure_ascii=False
    )
