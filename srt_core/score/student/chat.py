"""A tokenizer's own chat template: conversations as the texts that the student is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srt_core.errors import ChatRefusedError, StudentError
from srt_core.score.student.failures import short_reason

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_FAILURES = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError, ValueError),
)
"""What the code of a chat template may raise, besides the errors of its own language."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The chat template of a student."""

    tokenizer: "PreTrainedTokenizerBase"
    student: str

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        """Return the text of a conversation, closed, or `opened` up to where the assistant's next answer begins.

        Raises:
            StudentError: the tokenizer has no chat template, or several and none for conversations.
            ChatRefusedError: its chat template refuses the conversation, or fails on it.
        """
        from jinja2 import TemplateError

        self._require_one()
        conversation = [dict(message) for message in messages]
        try:
            text = str(self.tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=opened))
            text.encode()  # half a surrogate pair is no text, and no tokenizer takes it
            return text
        except (TemplateError, *_FAILURES) as error:
            roles = ", ".join(message["role"] for message in messages)
            reason = short_reason(error)
            said = f"The chat template of the student '{self.student}' refuses a conversation ({roles}): {reason}."
            raise ChatRefusedError(said, "Choose another template: chatml.") from error

    def _require_one(self) -> None:
        found = self.tokenizer.chat_template
        if found is None:
            raise StudentError(
                f"The student '{self.student}' has no chat template.", "Choose another template: alpaca."
            )
        if isinstance(found, dict) and "default" not in found:
            message = (
                f"The student '{self.student}' has chat templates by name and none by default: {', '.join(found)}."
            )
            hint = "Put one into its tokenizer_config.json as chat_template, or choose another template: chatml."
            raise StudentError(message, hint)
