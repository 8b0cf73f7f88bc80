"""The text that was scored: pairs filled into the template of the scoring in use, and its student's tokenizer."""

from dataclasses import dataclass
from pathlib import Path

from srt_core.errors import ExportError, StudentError
from srt_core.project.store import Store
from srt_core.records import Pair
from srt_core.score.prompts import Prompts, prompts_of
from srt_core.score.scorings import Scoring, scoring_in_use
from srt_core.score.student import Tokens, is_here, load_tokens
from srt_core.score.templates import Template, stored_template


@dataclass(frozen=True, slots=True)
class Scored:
    """What pairs were scored with."""

    scoring: Scoring
    template: Template
    prompts: Prompts | None
    """None where only the tokenizer writes them, and that is not on this machine."""
    tokens: Tokens | None
    """The student's tokenizer; None where it is not on this machine."""
    why: str
    """Why there is no tokenizer."""

    def prompt(self, pair: Pair) -> str:
        """Return what the response followed when it was scored.

        A start token that a chat template writes and the tokenizer puts before any text by itself is left out: who
        makes tokens of this text gets it once, as scoring did.

        Raises:
            NotCarriedError, ChatRefusedError: the template has no place for what stands before the pair.
        """
        assert self.prompts, "open_scored says where they cannot be written"
        text = self.prompts.prompt(pair)
        own_begin = self.tokens.own_begin if self.tokens and self.template.is_chat else ""
        return text.removeprefix(own_begin)


def open_scored(store: Store, *, is_filled: bool) -> Scored | None:
    """Return what pairs were scored with; None where nothing is scored.

    ExportError where prompts are to be filled in (`is_filled`), and cannot be.
    """
    scoring = scoring_in_use(store)
    if scoring is None:
        if is_filled:
            message = "Nothing was scored, so there is no template to write prompts in."
            raise ExportError(message, "Score first, or choose formats without prompts, such as alpaca.")
        return None
    template = stored_template(scoring.template, scoring.template_texts)
    tokens, why = _tokens(scoring.student)
    if not template.is_chat:
        return Scored(scoring, template, prompts_of(template), tokens, why)
    if tokens:
        return Scored(scoring, template, prompts_of(template, tokens), tokens, why)
    if is_filled:
        message = f"The prompts were written by the chat template of {scoring.student}, which cannot be had: {why}"
        raise ExportError(message, "Put the student where it was, or choose formats without prompts, such as messages.")
    return Scored(scoring, template, None, tokens, why)


def _tokens(student: str) -> tuple[Tokens | None, str]:
    if not is_here(student):
        return None, f"{short_name(student)} is not on this machine."
    try:
        return load_tokens(student), ""
    except StudentError as error:
        return None, error.message.replace(student, short_name(student))


def short_name(student: str) -> str:
    """Return the name of a student as others may read it: of a folder its last part, of the hub the whole name."""
    return Path(student).name if Path(student).is_absolute() or student.startswith((".", "~")) else student
