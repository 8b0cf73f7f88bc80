"""Chat messages and ShareGPT conversations as one pair: the first user turn and the assistant's answer to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from srt_core.errors import DatasetError
from srt_core.importing.files.records import describe
from srt_core.records import Pair

KEYS = ("messages", "conversations")

_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "system": "system"}
_PAIR_TURNS = 2
_TOOL_ROLES = ("tool", "function", "function_call", "observation")


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    text: str


def is_conversation(fields: Mapping[str, object]) -> bool:
    """Whether a record has messages or conversations."""
    return any(key in fields for key in KEYS)


def user_content(instruction: str, input: str) -> str:
    """Return the text of a user turn: the instruction, then a blank line and the input where there is one."""
    return f"{instruction}\n\n{input}" if input else instruction


def read_conversation(fields: Mapping[str, object], first_turn_only: bool) -> tuple[Pair, str | None]:
    """Return the pair of a conversation, and its system text (None where it has none), which is no part of the pair.

    The user turn is the instruction. Where the record also has `instruction` and `input`, as our own exports do,
    and they join to the user turn, they are taken instead.

    Raises:
        DatasetError: the record is no conversation of one user and one assistant turn, in text.
    """
    system, turns = _read_turns(fields, first_turn_only)
    if not turns or turns[0].role != "user":
        raise DatasetError("The conversation does not start with a user turn.")
    if len(turns) == 1:
        raise DatasetError("The conversation has no assistant turn.")
    if turns[1].role != "assistant":
        raise DatasetError("The conversation has two user turns in a row.")
    if len(turns) > _PAIR_TURNS:
        raise DatasetError("The conversation has more than one turn.", 'Choose "first turn only" to take the first.')
    instruction, input = _split_content(fields, turns[0].text)
    return Pair(instruction, turns[1].text, input), system


def _read_turns(fields: Mapping[str, object], first_turn_only: bool) -> tuple[str | None, list[_Turn]]:
    messages = next((fields[key] for key in KEYS if fields.get(key) is not None), None)
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise DatasetError(f"The messages are {describe(messages)}, not a list.")
    has_system = bool(messages) and _role(messages[0]) == "system"
    end = _PAIR_TURNS + has_system if first_turn_only else len(messages)
    turns = [_read_turn(message) for message in messages[:end]]
    return (turns[0].text, turns[1:]) if has_system else (None, turns)


def _role(message: object) -> str:
    if not isinstance(message, Mapping):
        raise DatasetError(f"A message is {describe(message)}, not an object.")
    name = message.get("role") or message.get("from")
    if name in _TOOL_ROLES or message.get("tool_calls") or message.get("function_call"):
        raise DatasetError("The conversation calls tools, which a pair cannot hold.")
    role = _ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        raise DatasetError(f'A message has the unknown role "{name}".')
    return role


def _read_turn(message: Mapping[str, object]) -> _Turn:
    role = _role(message)
    content = message.get("content", message.get("value"))
    if isinstance(content, list):
        content = _join_parts(role, content)
    if not isinstance(content, str):
        raise DatasetError(f"The {role} turn is {describe(content)}, not text.")
    if role != "system" and not content.strip():
        raise DatasetError(f"The {role} turn is empty.")
    return _Turn(role, content)


def _join_parts(role: str, parts: list[object]) -> str:
    texts = [part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type", "text") == "text"]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) != len(parts):
        raise DatasetError(f"The {role} turn has parts that are not text.")
    return "".join(strings)


def _split_content(fields: Mapping[str, object], content: str) -> tuple[str, str]:
    instruction, input = fields.get("instruction"), fields.get("input")
    if isinstance(instruction, str) and isinstance(input, str) and user_content(instruction, input) == content:
        return instruction, input
    return content, ""
