"""A tokenizer's own chat template: conversations as the texts that the student is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srt_core.errors import ChatRefusedError, StudentError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The chat template of a student."""

    tokenizer: "PreTrainedTokenizerBase"
    student: str

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        """Return the text of a conversation, closed, or `opened` up to where the assistant's next answer begins.

        Raises:
            StudentError: the tokenizer has no chat template.
            ChatRefusedError: its chat template refuses the conversation.
        """
        from jinja2 import TemplateError

        if self.tokenizer.chat_template is None:
            raise StudentError(
                f"The student '{self.student}' has no chat template.", "Choose another template: alpaca."
            )
        conversation = [dict(message) for message in messages]
        try:
            return str(self.tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=opened))
        except (TemplateError, TypeError, ValueError) as error:  # what a template's own code may raise
            roles = ", ".join(message["role"] for message in messages)
            said = f"The chat template of the student '{self.student}' refuses a conversation ({roles}): {error}."
            raise ChatRefusedError(said, "Choose another template: chatml.") from error
