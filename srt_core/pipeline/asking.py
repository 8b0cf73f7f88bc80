"""How a task is asked: in which form of reply, with which correction, identified by which hash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from srt_core.pipeline.keeping import Request, Task
from srt_core.prompts import Prompts, ReplyFormat, correction_for
from srt_core.store import Store
from srt_core.teacher import Answer, Ask, Outcome, Teacher

UNLEARNED_TRIES = 3


class FormatChoice:
    """Which form of reply a teacher is asked for, found by trying: JSON by a schema, sections where that is ignored.

    What was found is kept in the project, so that a run that goes on makes the same requests.
    """

    def __init__(self, store: Store, producer: str, teacher: Teacher, asked: ReplyFormat | None = None) -> None:
        self._store = store
        self._key = f"reply_format:{producer}"
        self._tries = 0
        found = store.meta(self._key)
        self.is_settled = True
        if asked is not None or not teacher.is_live:
            self.current = asked or ReplyFormat.SECTIONS
        elif found is not None:
            self.current = ReplyFormat(found)
        else:
            self.current = ReplyFormat.JSON
            self.is_settled = False

    def learn(self, answer: Answer) -> None:
        """Settle on a form by the first call that says something about it."""
        if self.is_settled:
            return
        self._tries += 1
        if answer.is_reply:
            self._settle(ReplyFormat.JSON if _is_object(answer.text or "") else ReplyFormat.SECTIONS)
        elif answer.outcome is Outcome.FORMAT_REFUSED or (
            self._tries >= UNLEARNED_TRIES and answer.outcome in (Outcome.REQUEST_REFUSED, Outcome.SERVER_ERROR)
        ):
            self._settle(ReplyFormat.SECTIONS)

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


@dataclass(frozen=True, slots=True)
class Asker:
    """Writes requests of one teacher and version of the prompts. `note` is the curator's word to the teacher."""

    teacher: Teacher
    prompts: Prompts
    note: str = ""

    def request(self, task: Task, form: ReplyFormat) -> Request:
        """Write the request for a task. After a refused reply it says what was wrong, so it is another request."""
        stage = task.stage
        response_format: Mapping[str, object] | None = None
        if form is ReplyFormat.JSON:
            response_format = self.prompts.response_format(stage)
        messages = self.prompts.messages(stage, task.parent, form, correction=self._correction(task))
        ask = Ask(messages, stage, task.parent, response_format)
        return Request(ask, self.teacher.request_hash(ask))

    def _correction(self, task: Task) -> str:
        if not task.refused:
            return ""
        said = [correction_for(task.reason, task.detail), self.note, f"This is try {task.refused + 1}."]
        return " ".join(part for part in said if part)


def prompt_characters(request: Request) -> int:
    """Count the characters that a request sends."""
    schema = request.ask.response_format
    return sum(len(message["content"]) for message in request.ask.messages) + (len(json.dumps(schema)) if schema else 0)
