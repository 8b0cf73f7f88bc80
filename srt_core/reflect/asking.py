"""Write the request for a task: its form of reply, its correction after a refused reply, and its hash."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.records import Stage
from srt_core.reflect.keeping import ReflectionTask, Request, StoredCall, find_replies
from srt_core.reflect.learning import keep_changes, known_changes
from srt_core.reflect.prompts import Prompts, ReplyFormat, correction_for, section_keys
from srt_core.reflect.teacher import Answer, Ask, CallOutcome, Teacher
from srt_core.reflect.teacher.settings import RESPONSE_FORMAT, WITHOUT_SCHEMA

UNCLEAR = 3
"""Errors of the server after which a request is tried without the schema; replies in neither form that drop it."""
FAILED_JSON, FAILED_SHARE = 4, 0.25
"""JSON that the model failed to write, and its share of the replies, that drop the schema."""
_TAG = re.compile(r"^\s*<(" + "|".join({key for stage in Stage for key in section_keys(stage)}) + r")>", re.M)


class FormatChoice:
    """Which form of reply a teacher is asked for, found by trial: JSON by a schema, or sections where that is ignored.

    The form is part of the request's hash. It is stored in the project, so that a continued run makes the same requests
    and finds their replies.
    """

    def __init__(self, store: Store, producer: str, teacher: Teacher, asked: ReplyFormat | None = None) -> None:
        self._store, self._teacher = store, teacher.name
        self._key = f"reply_format:{producer}"
        self._is_given = asked is not None or not teacher.is_live
        self._unclear = self._failed_json = self._replies = 0
        self._is_doubtful = self._is_second_try = False
        """Whether the schema was left out after what may have been a moment's trouble; whether it is tried again."""
        found = store.meta(self._key)
        if found is None and any(each.setting == RESPONSE_FORMAT for each in known_changes(store, teacher.name)):
            found = ReplyFormat.SECTIONS
        self.is_settled = self._is_given or found is not None
        self.current = asked or ReplyFormat.SECTIONS
        if not self._is_given:
            self.current = ReplyFormat(found) if found is not None else ReplyFormat.JSON

    @property
    def readable(self) -> tuple[ReplyFormat, ...]:
        """The forms in which a stored reply may be found: the current one first, then the one tried before."""
        return (self.current,) if self._is_given else (self.current, *(set(ReplyFormat) - {self.current}))

    def learn(self, form: ReplyFormat, answer: Answer) -> None:
        """Settle on a form by the first answer that shows one.

        Later answers only count if they refuse the schema, or if the model fails too often to write JSON. A failure
        that may be the schema's fault leads to a try without it. After errors of the server a reply to that proves
        nothing yet, as the server may have been out of order: the schema is tried once more, then dropped.
        """
        if self._is_given:
            return
        if answer.outcome is CallOutcome.FORMAT_REFUSED and form is ReplyFormat.JSON:
            self._settle(ReplyFormat.SECTIONS)
            keep_changes(self._store, self._teacher, [replace(WITHOUT_SCHEMA, detail=answer.detail)])
        elif self._writes_bad_json(form, answer):
            self._settle(ReplyFormat.SECTIONS)
        elif self.is_settled:
            return
        elif answer.is_reply:
            self._learn_from_reply(form, answer.text or "")
        elif answer.outcome is CallOutcome.REQUEST_REFUSED:
            self._try_other(form)
        elif answer.outcome in (CallOutcome.SERVER_ERROR, CallOutcome.JSON_FAILED):
            self._unclear += 1
            if self._is_second_try or self._unclear >= UNCLEAR:
                self._is_doubtful = not self._is_second_try
                self._try_other(form)

    def _writes_bad_json(self, form: ReplyFormat, answer: Answer) -> bool:
        """Count what came of the schema; return whether the model fails too often to write JSON of it."""
        if form is ReplyFormat.JSON:
            self._failed_json += answer.outcome is CallOutcome.JSON_FAILED
            self._replies += answer.is_reply
        return self._failed_json >= FAILED_JSON and self._failed_json > FAILED_SHARE * self._replies

    def end_of_run(self, answer: Answer) -> TeacherStopError | None:
        """Return the error that ends the run where the teacher refuses the form that the curator insists on."""
        if not (self._is_given and answer.outcome is CallOutcome.FORMAT_REFUSED):
            return None
        return TeacherStopError(answer.detail, "Leave out --reply-format, or ask for sections.")

    def _learn_from_reply(self, form: ReplyFormat, text: str) -> None:
        if form is ReplyFormat.JSON and _is_object(text):
            self._settle(ReplyFormat.JSON)
            return
        if form is ReplyFormat.SECTIONS and self._is_doubtful:
            self._is_doubtful, self._is_second_try = False, True
            self._try_other(form)
            return
        self._unclear += 1  # one reply is no proof: a teacher that declines the task does so in plain words
        if form is ReplyFormat.SECTIONS or _TAG.search(text) or self._unclear >= UNCLEAR:
            self._settle(ReplyFormat.SECTIONS)

    def _try_other(self, form: ReplyFormat) -> None:
        self._unclear = 0
        self.current = ReplyFormat.SECTIONS if form is ReplyFormat.JSON else ReplyFormat.JSON

    def _settle(self, form: ReplyFormat) -> None:
        self.current = form
        self.is_settled = True
        self._store.set_meta(self._key, str(form))


def _is_object(text: str) -> bool:
    """Whether a reply is the JSON object that was asked for, or the start of it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text.lstrip().startswith('{"')
    return isinstance(found, dict)


class Asks(Protocol):
    """Writes the request for a task."""

    def request(self, task: ReflectionTask, form: ReplyFormat) -> Request:
        """Return the request for a task, in a form of reply, with its hash."""
        ...


@dataclass(frozen=True, slots=True)
class Asker:
    """Writes requests for one teacher and version of the prompts; `note` is the curator's message to the teacher."""

    teacher: Teacher
    prompts: Prompts
    note: str = ""

    def request(self, task: ReflectionTask, form: ReplyFormat) -> Request:
        """Return the request for a task.

        After a refused reply it says what was wrong. That makes it another request, with another hash, so the refused
        reply is not found again in place of a new one.
        """
        stage = task.stage
        response_format: Mapping[str, object] | None = None
        if form is ReplyFormat.JSON:
            response_format = self.prompts.response_format(stage)
        messages = self.prompts.messages(stage, task.parent, form, correction=self._correction(task))
        ask = Ask(messages, stage, task.parent, response_format)
        return Request(ask, self.teacher.request_hash(ask))

    def _correction(self, task: ReflectionTask) -> str:
        if not task.refused:
            return self.note if task.failed else ""
        parts = [correction_for(task.reason, task.detail), self.note, f"This is try {task.refused + 1}."]
        return " ".join(part for part in parts if part)


def look_up(
    store: Store, asker: Asks, forms: Sequence[ReplyFormat], tasks: Sequence[ReflectionTask]
) -> list[tuple[Request, StoredCall | None]]:
    """Return the request of each task in the first form, and the stored reply to it in that form or another, if any."""
    requests = [[asker.request(task, form) for form in forms] for task in tasks]
    replies = find_replies(store, [each.hash for some in requests for each in some])
    return [(some[0], next((replies[each.hash] for each in some if each.hash in replies), None)) for some in requests]


def prompt_characters(request: Request) -> int:
    """Return the number of characters that a request sends, messages and schema."""
    schema = request.ask.response_format
    return sum(len(message["content"]) for message in request.ask.messages) + (len(json.dumps(schema)) if schema else 0)
