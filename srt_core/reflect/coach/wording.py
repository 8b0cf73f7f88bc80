"""What a coach is asked: one message with the pair as JSON, behind it the form of the reply.

With examples it is for a teacher that was not trained. Without, it is the very text that a coach is trained on, whose
reply is the revised pair as JSON.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from srt_core.records import Pair, Stage
from srt_core.reflect.keeping import Example, ReflectionTask, Request
from srt_core.reflect.prompts import ReplyFormat, correction_for, placeholder, section_keys
from srt_core.reflect.teacher import Ask, Teacher

VERSION = "1"
_KEYS = section_keys(Stage.REVISION)
_DESCRIBED = {
    "new_instruction": "The instruction, revised where that is needed, else as it is.",
    "new_input": "The input, revised where that is needed, else as it is; empty where there is none.",
    "new_response": "The response, revised where that is needed, else as it is.",
}
_TASK = """\
Revise a pair of an instruction and its response, so that it is good to learn from. Correct what is wrong, unclear or \
badly written. An instruction that cannot be answered as it stands is made one that can; a response is right, \
complete, relevant, well laid out, explains where that helps, and speaks to a person. Keep the topic, keep the input \
apart from the instruction, and leave what is good as it is."""
_SHOWN = """\
This is how experts revised other pairs. Revise in the same manner, by as much as is needed."""
_CONTEXT = "The pair ends a conversation, which is given and stays as it is. Before it stand these messages, as JSON:"
_FORMS: Mapping[ReplyFormat, str] = {
    ReplyFormat.JSON: "Reply with one JSON object and nothing else. It has exactly these keys, each a text:",
    ReplyFormat.SECTIONS: "Reply with exactly these sections, in this order, and nothing else:",
}
_AGAIN = "An earlier reply of yours to this request could not be used."


def request_text(pair: Pair, form: ReplyFormat, examples: Sequence[Example] = (), correction: str = "") -> str:
    """Return the message that asks for the revision of a pair. Texts stand in it as JSON, whatever they hold."""
    parts = [_TASK]
    if examples:
        parts += [_SHOWN, *(f"Before: {_shown(each.before)}\nAfter: {_shown(each.after)}" for each in examples)]
    if pair.context.json:
        parts += [_CONTEXT, pair.context.json]
    parts += [f"The pair to revise: {_shown(pair)}", f"{_FORMS[form]}\n{_empty(form)}"]
    return "\n\n".join([*parts, f"{_AGAIN} {correction}"] if correction else parts)


def reply_text(pair: Pair) -> str:
    """Return the reply that a coach is trained to give."""
    texts = (pair.instruction, pair.input, pair.response)
    return json.dumps(dict(zip(_KEYS, texts, strict=True)), ensure_ascii=False)


def _shown(pair: Pair) -> str:
    parts = {"instruction": pair.instruction, "input": pair.input, "response": pair.response}
    return json.dumps(parts, ensure_ascii=False)


def _empty(form: ReplyFormat) -> str:
    if form is ReplyFormat.JSON:
        return json.dumps({key: placeholder(key) for key in _KEYS})
    return "\n".join(f"<{key}>\n{placeholder(key)}\n</{key}>" for key in _KEYS)


def wording_hash() -> str:
    """Return a hash of all that a coach may read besides pairs and examples: hex."""
    pair = Pair("x", "y", "z")
    shown = [request_text(pair, form, some, "c") for form in ReplyFormat for some in ((), (Example(0, pair, pair),))]
    return hashlib.sha256(json.dumps([shown, _response_format()]).encode()).hexdigest()


def _response_format() -> dict[str, object]:
    schema = {
        "type": "object",
        "properties": {key: {"type": "string", "description": text} for key, text in _DESCRIBED.items()},
        "required": list(_KEYS),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "revision", "strict": True, "schema": schema}}


class CoachAsker:
    """Writes a coach's requests, as `Asker` does those of reflections; examples are those of the task."""

    def __init__(self, teacher: Teacher, note: str = "") -> None:
        """Take the teacher that is asked, and the curator's word to it about what was refused before."""
        self._teacher, self._note = teacher, note

    def request(self, task: ReflectionTask, form: ReplyFormat) -> Request:
        """Return the request for a task; the events of its examples are part of its hash."""
        correction = ""
        if task.refused:
            said = (correction_for(task.reason, task.detail), self._note, f"This is try {task.refused + 1}.")
            correction = " ".join(part for part in said if part)
        text = request_text(task.parent, form, task.examples, correction)
        ask = Ask(
            ({"role": "user", "content": text},),
            task.stage,
            task.parent,
            _response_format() if form is ReplyFormat.JSON else None,
            tuple(each.event_id for each in task.examples),
        )
        return Request(ask, self._teacher.request_hash(ask))
