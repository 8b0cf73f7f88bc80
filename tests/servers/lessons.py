"""The teaching mode: a reply to a reflection prompt made from the prompt itself, the same for the same pair and stage.

A pair is known by the text from <original_instruction> to </original_response>, so that a prompt that ends with a
correction, or comes with a schema, is still the same question. One pair in six gets a reply that is refused, another
one in six gets one at its first call only.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.records import Stage
from srt_core.reflect.prompts import section_keys

ALWAYS_REFUSED, REFUSED_ONCE = 0, 1
OPENS, CLOSES = "<original_instruction>", "</original_response>"
PLAIN_REPLY = "Hello."
WORDS = ("red", "spider", "rainbow", "sentence", "insect", "cat", "rain", "leg", "green", "eight", "blue")


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks: `key` names the pair and the stage in hex; `stage` is None where it asks no reflection."""

    key: str
    stage: Stage | None
    sections: tuple[str, ...]

    @property
    def kind(self) -> int:
        """Which of six kinds of question this is."""
        return bytes.fromhex(self.key)[0] % 6

    def is_refused(self, attempt: int) -> bool:
        """Whether the reply at this attempt, which counts from 1, is one that is refused."""
        return self.kind == ALWAYS_REFUSED or (self.kind == REFUSED_ONCE and attempt == 1)

    def sections_text(self) -> dict[str, str]:
        """Write the text of each section: words that no other question has."""
        seed = bytes.fromhex(self.key)
        number, length = int.from_bytes(seed[1:5]), 4 + seed[5] % 9
        words = " ".join(WORDS[(number * 7 + place * place + length) % len(WORDS)] for place in range(length))
        return {section: f"{words} {number} {section}" for section in self.sections}


def read_question(request: str) -> Question:
    """Read a request's user text."""
    start, end = request.find(OPENS), request.rfind(CLOSES)
    is_reflection = 0 <= start < end
    pair = request[start : end + len(CLOSES)] if is_reflection else request
    around = request[:start] + request[end:] if is_reflection else request
    sections = tuple(re.findall(r"^<(\w+)>\n\[your [^\]\n]*\]\n</\1>$", around, re.MULTILINE))
    stage = (Stage.INSTRUCTION if "new_instruction" in around else Stage.RESPONSE) if is_reflection else None
    key = hashlib.sha256(f"{stage}\n{pair}".encode("utf-8", "surrogatepass")).hexdigest()
    return Question(key, stage, sections or (section_keys(stage) if stage else ()))


def reply_text(request: str, attempt: int, *, refuses: bool = True, schema: object = None) -> str:
    """Write the reply to a prompt: tagged sections, or a JSON object with the properties of a schema."""
    question = read_question(request)
    if not question.sections:
        return PLAIN_REPLY
    if refuses and question.is_refused(attempt):
        return f"I would rather not, at attempt {attempt}."
    texts = question.sections_text()
    if schema is None:
        return "\n".join(f"<{key}>\n{text}\n</{key}>" for key, text in texts.items())
    return json.dumps({key: texts.get(key, f"no section {key}") for key in _properties(schema) or texts})


def _properties(schema: object) -> list[str]:
    """Name the properties of a `response_format`; none where it holds no schema."""
    for step in ("json_schema", "schema", "properties"):
        schema = schema.get(step) if isinstance(schema, Mapping) else None
    return list(schema) if isinstance(schema, Mapping) else []


def user_text(messages: object) -> str:
    """Join what the user's messages say; texts in parts too."""
    found = messages if isinstance(messages, Sequence) and not isinstance(messages, str) else ()
    return "\n".join(
        _content(message.get("content"))
        for message in found
        if isinstance(message, Mapping) and message.get("role", "user") == "user"
    )


def _content(content: object) -> str:
    parts = content if isinstance(content, list) else [{"text": content}]
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))
