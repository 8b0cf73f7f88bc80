"""A conversation that stands in one text, cut at what stands before each speaker."""

import re
import shlex
from collections.abc import Sequence

from srt_core.errors import DatasetError
from srt_core.importing.files.shapes.roles import Speaker
from srt_core.importing.files.shapes.turns import Said
from srt_core.importing.files.shapes.values import is_blank

_EXAMPLE = ("### Human:", "### Assistant:")
_FORMS = (
    ("<|im_start|>user", "<|im_start|>assistant", "<|im_start|>system", "<|im_end|>"),
    ("<|start_header_id|>user<|end_header_id|>", "<|start_header_id|>assistant<|end_header_id|>",
     "<|start_header_id|>system<|end_header_id|>", "<|eot_id|>", "<|begin_of_text|>"),
    ("<start_of_turn>user", "<start_of_turn>model", "<end_of_turn>"),
    ("<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "</s>"),
    ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>"),
    _EXAMPLE,
    ("### User:", "### Assistant:"),
    ("### Instruction:", "### Response:"),
    ("<human>:", "<bot>:"),
    ("USER:", "ASSISTANT:", "</s>"),
    ("Human:", "Assistant:"),
    ("User:", "Assistant:"),
    ("Question:", "Answer:"),
    ("Q:", "A:"),
)  # fmt: skip
"""What stands before the user and before the assistant in texts of common forms, and what else is no word of theirs."""


def how(text: str) -> str:
    """Say how to cut a text: by the separators that it seems to have, or by an example."""
    form = next(
        (form for form in _FORMS if 0 <= text.find(form[0]) < text.find(form[1])), ("### Human:", "### Assistant:")
    )
    asked = " ".join(f"--separator {shlex.quote(each)}" for each in form if each in text or each in form[:2])
    return f"Say what stands before the instruction and before the response: {asked}; a third one is what ends a turn."


def split_text(text: str, separators: Sequence[str]) -> list[Said]:
    """Return the turns of a text, without blanks around them.

    One separator stands between instruction and response. Of several the first stands before what the user says, the
    second before what the assistant says, and the others are taken out; what stands before the first is the system's.

    Raises:
        DatasetError: a separator is not in the text, or nothing stands after it.
    """
    if len(separators) == 1:
        user, found, assistant = text.partition(separators[0])
        if not found:
            raise DatasetError(f'The text has no separator "{separators[0]}".')
        parts = [(Speaker.USER, user), (Speaker.ASSISTANT, assistant)]
    else:
        marks = dict(zip(separators, (Speaker.USER, Speaker.ASSISTANT), strict=False))
        before, *rest = re.split(f"({'|'.join(map(re.escape, marks))})", text)
        parts = [(Speaker.SYSTEM, before)]
        parts += [(marks[mark], said) for mark, said in zip(rest[::2], rest[1::2], strict=True)]
        absent = [mark for mark in marks if mark not in rest[::2]]
        if absent:
            raise DatasetError(f'The text has no separator "{absent[0]}".')
    turns: list[Said] = []
    for speaker, said in parts:
        for end in separators[2:]:
            said = said.replace(end, "")  # noqa: PLW2901 (what is left of it)
        if is_blank(said) and speaker is Speaker.SYSTEM:
            continue
        if is_blank(said):
            raise DatasetError(f"Nothing stands in the place of the {speaker}.")
        turn = Said(speaker, said.strip())
        if turns and turns[-1].speaker is speaker:
            turns[-1] += turn
        else:
            turns.append(turn)
    return turns
