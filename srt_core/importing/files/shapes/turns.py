"""What was said in a conversation, one turn after another, from messages of any of the usual forms."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from srt_core.errors import DatasetError
from srt_core.importing.files.records import describe
from srt_core.importing.files.shapes.asides import (
    AFTER,
    BEFORE,
    CALLS,
    CONTENT,
    NotText,
    is_text_part,
    join_fields,
    kind_of_part,
    name_part,
    refuse,
)
from srt_core.importing.files.shapes.nested import list_messages
from srt_core.importing.files.shapes.roles import CONTENT_KEYS, ROLE_KEYS, Roles, Speaker
from srt_core.importing.files.shapes.values import is_blank, keep, parse_json

_PAIR = 2
_PRINTED = re.compile(r"\s*[\[{]+\s*'")


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: who speaks, the text, and what else its message carries.

    A message of a tool, or one that only calls tools, has no text; its fields are all of it.
    """

    speaker: Speaker
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def __add__(self, other: "Said") -> "Said":
        fields = join_fields(self.fields, self.text, other.fields, other.text)
        return Said(self.speaker, f"{self.text}\n\n{other.text}", fields)


@dataclass(frozen=True, slots=True)
class Manner:
    """How messages are read."""

    roles: Roles
    """Who speaks, by name."""
    take: Collection[NotText] = ()
    """What is left aside, so that the texts beside it are taken; anything else that is no text is refused."""


def read_turns(value: object, manner: Manner, *, first_only: bool = False) -> list[Said]:
    """Return the turns of a list of messages; those of one speaker in a row are one, with a blank line between.

    `first_only`: nothing is read after the first answer. Messages without text that are left aside stand in the fields
    of the turn that follows, or of the last one.

    A message is an object with a role and a content, an object of speakers, a list of speaker and text or of question
    and answer, or a text (then the speakers take turns).

    Raises:
        DatasetError: it is no such list, or a message is no text that can be trained on.
    """
    messages = _messages(value)
    turns: list[Said] = []
    aside: list[object] = []
    for number, message in enumerate(messages, start=1):
        is_enough = first_only and [each.speaker for each in turns[-2:]] == [Speaker.USER, Speaker.ASSISTANT]
        try:
            found = _read(message, number, manner)
        except DatasetError:
            if is_enough:
                break
            raise
        if is_enough and found[0].speaker not in (Speaker.ASSISTANT, Speaker.TOOL):
            break
        for said in found:
            _append(turns, aside, said)
    if aside and turns:
        turns[-1] = replace(turns[-1], fields={**turns[-1].fields, AFTER: aside})
    return turns


def _append(turns: list[Said], aside: list[object], said: Said) -> None:
    """Append a turn to others, or to what waits for the next one where it has no text."""
    if said.speaker is Speaker.TOOL:
        aside.append(said.fields)
        return
    if aside:
        said = replace(said, fields={**said.fields, BEFORE: [*aside]})
        aside.clear()
    if turns and turns[-1].speaker is said.speaker:
        turns[-1] += said
    elif not (said.speaker is Speaker.SYSTEM and is_blank(said.text)):
        turns.append(said)


def _messages(value: object) -> Sequence[object]:
    """Return the list of messages that a value is, or holds as JSON."""
    listed = list_messages(value)
    if listed is not None:
        return listed
    messages = parse_json(value)
    if isinstance(messages, Mapping):
        return [messages]
    hint = "Where they are one text, map it as that, with separators: --map text=COLUMN --separator ..."
    if isinstance(messages, str) and _PRINTED.match(messages):
        hint = "They stand as Python prints a list: write them with json.dumps."
    raise DatasetError(f"The messages are {describe(messages)}, not a list.", hint if messages else "")


def _read(message: object, number: int, manner: Manner) -> list[Said]:
    if isinstance(message, dict):
        name = next((message[key] for key in ROLE_KEYS if message.get(key) is not None), None)
        if name is None:
            return _read_speakers(message, number, manner)
        return [_read_message(message, name, number, manner)]
    if isinstance(message, str):
        return [_said(Speaker.USER if number % _PAIR else Speaker.ASSISTANT, message, number, manner)]
    if isinstance(message, list) and len(message) == _PAIR and isinstance(message[0], str):
        if message[0].lower() in manner.roles:
            return [_read_message({"content": message[1]}, message[0], number, manner)]
        speakers = (Speaker.USER, Speaker.ASSISTANT)
        return [_said(who, text, number, manner) for who, text in zip(speakers, message, strict=True)]
    raise DatasetError(f"Message {number} is {describe(message)}, not an object with a role and a content.")


def _read_message(message: Mapping[str, object], name: object, number: int, manner: Manner) -> Said:
    if isinstance(name, Mapping):
        name = name.get("role")
    speaker = manner.roles.get(name.strip().lower()) if isinstance(name, str) else None
    if speaker is None:
        hint = f'Say what it is: --role "{name}=user" (or assistant, system).' if isinstance(name, str) else ""
        raise DatasetError(f'Message {number} has the unknown role "{name}".', hint)
    content = next((message[key] for key in CONTENT_KEYS if message.get(key) is not None), None)
    calls = {key: keep(message[key]) for key in CALLS if message.get(key)}
    fields = _beside(message, content) if len(message) > _PAIR or content is None else {}
    if (calls or speaker is Speaker.TOOL) and NotText.TOOL_CALLS not in manner.take:
        hint = f'To take such turns as text, say whose they are: --role "{name}=assistant".' if not calls else ""
        refuse("The conversation calls tools, which a pair of texts cannot hold.", NotText.TOOL_CALLS, hint)
    if speaker is Speaker.TOOL or (calls and _says_nothing(content)):
        return Said(Speaker.TOOL, "", {"role": name, "content": keep(content), **fields, **calls})
    return _said(speaker, content, number, manner, {**fields, **calls})


def _beside(message: Mapping[str, object], content: object) -> dict[str, object]:
    """Return what a message has beside role, content and calls; names of these too, where they say something else."""
    name = next((message[key] for key in ROLE_KEYS if message.get(key) is not None), None)
    rest = {
        key: keep(value)
        for key, value in message.items()
        if key not in CALLS
        and not (key in ROLE_KEYS and value == name)
        and not (key in CONTENT_KEYS and value == content)
    }
    return {key: kept for key, kept in rest.items() if kept not in (None, [])}


def _says_nothing(content: object) -> bool:
    return content is None or content == [] or (isinstance(content, str) and is_blank(content))


def _read_speakers(message: Mapping[str, object], number: int, manner: Manner) -> list[Said]:
    """Read a message that is an object of speakers: {"human": ..., "assistant": ...}."""
    turns = [
        _said(speaker, text, number, manner)
        for name, text in message.items()
        if (speaker := manner.roles.get(name.lower())) is not None and text is not None
    ]
    rest = {name: kept for name, each in message.items() if name.lower() not in manner.roles and (kept := keep(each))}
    if turns and rest:
        turns[-1] = replace(turns[-1], fields=rest)
    if not turns:
        names = ", ".join(f'"{name}"' for name in message)
        raise DatasetError(f"Message {number} has no role; it has {names or 'nothing'}.")
    return turns


def read_system(value: object) -> object:
    """Return the text of a system message that is given as an object or as parts; anything else as it is."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in CONTENT_KEYS if value.get(key) is not None), value)
    return _join_parts(Speaker.SYSTEM, value) if isinstance(value, list) else value


def _said(
    speaker: Speaker, content: object, number: int, manner: Manner, fields: Mapping[str, object] | None = None
) -> Said:
    held = fields or {}
    text = content
    if isinstance(content, list):
        aside = [part for part in content if not is_text_part(part)]
        for part in aside:
            _check_aside(speaker, part, manner)
        text = _join_parts(speaker, [part for part in content if is_text_part(part)])
        if aside:
            held = {**held, CONTENT: keep(content)}
        if aside and is_blank(text):
            return _without_text(speaker, aside, number, held)
    if not isinstance(text, str):
        raise DatasetError(f"The {speaker} turn is {describe(text)}, not text (message {number}).")
    if speaker is not Speaker.SYSTEM and is_blank(text):
        raise DatasetError(f"The {speaker} turn is empty (message {number}).")
    return Said(speaker, text, held)


def _check_aside(speaker: Speaker, part: object, manner: Manner) -> None:
    """Refuse a part that is no text, unless its kind is left aside."""
    if not isinstance(part, Mapping):
        raise DatasetError(f"The {speaker} turn has a part that is {describe(part)}, not text.")
    kind = kind_of_part(part)
    if kind not in manner.take:
        name = name_part(part)
        word = f"an {name}" if name[0] in "aeiou" else f"a {name}"
        refuse(f"The {speaker} turn holds {word}, which cannot be trained on as text.", kind)


def _without_text(speaker: Speaker, aside: Sequence[object], number: int, fields: Mapping[str, object]) -> Said:
    """Return a message of calls, or of what tools answered, as one that is no turn; refuse one of images alone."""
    if all(kind_of_part(part) is NotText.TOOL_CALLS for part in aside):
        return Said(Speaker.TOOL, "", {"role": str(speaker), **fields})
    raise DatasetError(f"The {speaker} turn has no text beside its {name_part(aside[0])} (message {number}).")


def _join_parts(speaker: Speaker, parts: Sequence[object]) -> str:
    """Join the texts of a content that is a list of parts, with a blank line where neither side has a break."""
    joined = ""
    for part in parts:
        text = part if isinstance(part, str) else part.get("text") if isinstance(part, Mapping) else None
        if not isinstance(text, str):
            raise DatasetError(f"The {speaker} turn has a part whose text is {describe(text)}.")
        is_apart = not joined or not text or joined[-1].isspace() or text[0].isspace()
        joined += text if is_apart else f"\n\n{text}"
    return joined
