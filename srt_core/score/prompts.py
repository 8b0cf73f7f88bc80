"""A pair filled into a template, with what stands before it in its conversation (METHOD, section 3).

    before     T: system text and earlier turns, closed, before the next turn is opened; "" without a context
    prompt     T and the turn of x, up to where the response begins
    reverse    T and the turn of y', up to where the instruction begins

A template carries a context only where all its texts stand in T. What it cannot carry is refused by NotCarriedError:
no prompt is ever shorter than the pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from srt_core.errors import ChatRefusedError, SRTError, StudentError
from srt_core.records import Context, Pair, Role
from srt_core.score.templates import Template, prompt, render, reverse_prompt


class NotCarriedError(SRTError):
    """The template has no place for a context, or for a part of it."""


class ChatWriter(Protocol):
    """Writes conversations in a tokenizer's own chat template."""

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        """Return the text of a conversation, closed, or `opened` up to where the assistant's next answer begins.

        Raises:
            StudentError: there is no chat template; ChatRefusedError: it refuses the conversation.
        """


class Prompts(Protocol):
    """Fills pairs into a template. All raise NotCarriedError, and ChatRefusedError where there is no context."""

    def before(self, context: Context) -> str:
        """Return T."""

    def prompt(self, pair: Pair) -> str:
        """Return what the response is conditioned on."""

    def reverse(self, pair: Pair) -> str:
        """Return what the instruction is conditioned on."""


def prompts_of(template: Template, writer: ChatWriter | None = None) -> Prompts:
    """Return what fills pairs into a template: `writer`, the tokenizer, where it is for chat, else its own texts.

    Raises:
        StudentError: the tokenizer has no chat template, or one that leaves out the texts of messages.
    """
    if not template.is_chat:
        return _WrittenPrompts(template)
    if writer is None:
        raise ValueError(f"The template {template.name} is written by a tokenizer, and none is given.")
    _require_texts(writer)
    return _ChatPrompts(template, writer)


@dataclass(frozen=True, slots=True)
class _WrittenPrompts:
    """A template of texts."""

    template: Template

    def before(self, context: Context) -> str:
        template = self.template
        if context.system and not template.system:
            raise NotCarriedError(f"The template {template.name} has no place for a system text.", _OTHER)
        if context.turns and not template.user:
            raise NotCarriedError(f"The template {template.name} has no place for earlier turns.", _OTHER)
        if not context:
            return ""
        begin = render(template.system, {"system": context.system}) if context.system else template.preamble
        turns = {Role.USER: (template.user, "instruction"), Role.ASSISTANT: (template.assistant, "response")}
        return begin + "".join(
            render(text, {name: turn.text}) for turn in context.turns for text, name in [turns[turn.role]]
        )

    def prompt(self, pair: Pair) -> str:
        return self._after(pair.context, prompt(self.template, pair))

    def reverse(self, pair: Pair) -> str:
        return self._after(pair.context, reverse_prompt(self.template, pair.response))

    def _after(self, context: Context, opened: str) -> str:
        """Put T before an opened turn, in place of the preamble that the turn has where nothing else is before it."""
        preamble = self.template.preamble
        return (self.before(context) or preamble) + opened.removeprefix(preamble)


@dataclass(frozen=True, slots=True)
class _ChatPrompts:
    """The tokenizer's own chat template.

    T is cut out of a prompt that it begins: a template may write the last turn of a conversation otherwise.
    """

    template: Template
    writer: ChatWriter
    _known: dict[Context, str] = field(default_factory=dict)
    _openings: dict[bool, str] = field(default_factory=dict)
    """What opens a message of the user, with and without a system text before all."""

    def before(self, context: Context) -> str:
        if context and context not in self._known:
            self._known[context] = self._cut_out(context)
        return self._known[context] if context else ""

    def prompt(self, pair: Pair) -> str:
        return self._opened(pair.context, prompt(self.template, pair))

    def reverse(self, pair: Pair) -> str:
        return self._opened(pair.context, reverse_prompt(self.template, pair.response))

    def _opened(self, context: Context, text: str) -> str:
        """Return the prompt of a user message. It has to hold T, and after it the message."""
        before = self.before(context)
        opened = self._written([*context.messages, _message(Role.USER, text)], context, opened=True)
        if not opened.startswith(before):
            raise NotCarriedError(_OTHERWISE, _OTHER)
        if text.strip() not in opened[len(before) :]:
            raise NotCarriedError("The chat template does not write the instruction whole.", _OTHER)
        return opened

    def _cut_out(self, context: Context) -> str:
        """Return T: the conversation up to the next user message, without what opens that."""
        until = self._written([*context.messages, _message(Role.USER, _MARK)], context).partition(_MARK)[0]
        opening = self._opening(context)
        if not until.endswith(opening):
            raise NotCarriedError("The chat template puts what stands before a pair into the user's own turn.", _OTHER)
        before, place = until.removesuffix(opening), 0
        for message in context.messages:
            text = message["content"].strip()
            found = before.find(text, place)
            if found < 0:
                part = "system text" if message["role"] == Role.SYSTEM else f"turn of the {message['role']}"
                raise NotCarriedError(f"The chat template does not write the {part} whole before the pair.", _OTHER)
            place = found + len(text)
        return before

    def _opening(self, context: Context) -> str:
        """Return what opens a message of the user: all between an answer and it, but for what closes the answer."""
        if bool(context.system) not in self._openings:
            system = context.messages[:1] if context.system else []
            answered = [*system, _message(Role.USER, _MARK), _message(Role.ASSISTANT, _ANSWER)]
            closing = self._written(answered, context).rpartition(_ANSWER)[2]
            asked = self._written([*answered, _message(Role.USER, _MARK)], context)
            between = asked.rpartition(_MARK)[0].rpartition(_ANSWER)[2]
            if not between.startswith(closing):
                raise NotCarriedError(_OTHERWISE, _OTHER)
            self._openings[bool(context.system)] = between[len(closing) :]
        return self._openings[bool(context.system)]

    def _written(self, messages: Sequence[Mapping[str, str]], context: Context, *, opened: bool = False) -> str:
        try:
            return self.writer.chat_text(messages, opened=opened)
        except ChatRefusedError as error:
            if not context:
                raise
            raise NotCarriedError(error.message, _OTHER) from error


def _require_texts(writer: ChatWriter) -> None:
    """Raise StudentError for a chat template that leaves out the text of every message."""
    try:
        shown = writer.chat_text([_message(Role.USER, _MARK)], opened=True)
    except ChatRefusedError:  # it may want a system text first: each conversation is tried by itself
        return
    if _MARK not in shown:
        message = "The chat template of the student leaves out the texts of messages: it may take lists of parts only."
        raise StudentError(message, "Choose another template, such as chatml.")


def _message(role: Role, text: str) -> Mapping[str, str]:
    return {"role": str(role), "content": text}


_MARK, _ANSWER = "srtusermessage", "srtassistantmessage"
"""Stand for texts in a conversation, to find what a template writes around them: plain letters, which none changes."""
_OTHERWISE = "The chat template writes earlier turns otherwise before another message."
_OTHER = "Choose another template, such as chatml, or another student."
