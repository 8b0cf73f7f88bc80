"""A student's tokenizer: what planning needs of it, and what a trainer that has it makes of a text."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from srt_core.errors import StudentError
from srt_core.score.student.chat import ChatTemplate
from srt_core.score.student.identity import tokenizer_fingerprint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Spelling = list[tuple[int, int]]
"""For each token the characters of the text that it spells: begin and end (exclusive)."""


class Tokens:
    """The tokenizer of a student."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
        """Take the tokenizer. StudentError if it has neither BOS nor EOS."""
        self.name = name
        self.start_ids = _start_ids(tokenizer, name)
        """The token that makes the first target token scorable: BOS, else EOS."""
        self.has_chat_template = tokenizer.chat_template is not None
        self._tokenizer = tokenizer
        self._chat = ChatTemplate(tokenizer, name)

    @property
    def tokenizer_fingerprint(self) -> str:
        """A hash that is equal for two tokenizers that give the same ids for every text."""
        return tokenizer_fingerprint(self._tokenizer)

    @property
    def end_ids(self) -> tuple[int, ...]:
        """The token that ends a response in training, which no scoring has: EOS; none where there is none."""
        found = self._tokenizer.eos_token_id
        return (found,) if isinstance(found, int) else ()

    @cached_property
    def special_texts(self) -> tuple[str, ...]:
        """What it reads as one special token wherever it stands in a text, such as <|im_end|>."""
        added = self._tokenizer.added_tokens_decoder.values()
        return tuple(sorted(token.content for token in added if token.special))

    @cached_property
    def own_begin(self) -> str:
        """The text of the start token where it puts that before any text by itself, else ""."""
        token = self._tokenizer.bos_token
        begun = self.encode([""], special=True)[0][:1]
        return str(token) if begun and begun[0] == self._tokenizer.bos_token_id else ""

    def encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Return the token ids of each text, with the tokenizer's own special tokens around them or without."""
        if not texts:
            return []
        encoded = self._tokenizer(
            list(texts), add_special_tokens=special, return_attention_mask=False, truncation=False, verbose=False
        )
        return [list(ids) for ids in encoded["input_ids"]]

    def spell(self, text: str) -> Spelling | None:
        """Return which characters each token of `text` spells, without special tokens.

        None where the tokenizer does not say (those that are written in Python).
        """
        if not self._tokenizer.is_fast:
            return None
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(int(begin), int(end)) for begin, end in encoded["offset_mapping"]]

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        """Return the text of a conversation in the tokenizer's own template, as `ChatTemplate.chat_text`."""
        return self._chat.chat_text(messages, opened=opened)


def _start_ids(tokenizer: "PreTrainedTokenizerBase", name: str) -> tuple[int, ...]:
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if isinstance(token, int):
            return (token,)
    message = f"The tokenizer of the student '{name}' has neither a BOS nor an EOS token."
    raise StudentError(message, "Add bos_token to its tokenizer_config.json: without it no first token can be scored.")
