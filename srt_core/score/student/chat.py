"""A tokenizer's own chat template: conversations as the texts that the student is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srt_core.errors import ChatRefusedError, StudentError
from srt_core.score.student.failures import short_reason
from srt_core.score.student.rendering import RENDERER, BeyondBoundsError, RefusedError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_OTHER = "Choose another template: chatml."


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The chat template of a student."""

    tokenizer: "PreTrainedTokenizerBase"
    student: str

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        """Return the text of a conversation, closed, or `opened` up to where the assistant's next answer begins.

        Raises:
            StudentError: the tokenizer has no chat template, or several and none for conversations, or it was stopped.
            ChatRefusedError: its chat template refuses the conversation, or fails on it.
        """
        special = self.tokenizer.special_tokens_map
        roles = ", ".join(message["role"] for message in messages)
        try:
            text = RENDERER.text(self._one(), messages, special, opened=opened)
            text.encode()  # half a surrogate pair is no text, and no tokenizer takes it
            return text
        except (RefusedError, UnicodeEncodeError) as error:
            said = f"The chat template of the student '{self.student}' refuses a conversation ({roles})"
            raise ChatRefusedError(f"{said}: {short_reason(error)}.", _OTHER) from error
        except BeyondBoundsError as error:
            said = f"The chat template of the student '{self.student}' was stopped at a conversation ({roles})"
            raise StudentError(f"{said}: {error}.", f"{_OTHER} Ask whoever made the student what it does.") from error

    def _one(self) -> str:
        """Return the template for conversations, in Jinja."""
        found = self.tokenizer.chat_template
        if found is None:
            raise StudentError(
                f"The student '{self.student}' has no chat template.", "Choose another template: alpaca."
            )
        if isinstance(found, str):
            return found
        if "default" not in found:
            message = (
                f"The student '{self.student}' has chat templates by name and none by default: {', '.join(found)}."
            )
            hint = "Put one into its tokenizer_config.json as chat_template, or choose another template: chatml."
            raise StudentError(message, hint)
        return str(found["default"])
