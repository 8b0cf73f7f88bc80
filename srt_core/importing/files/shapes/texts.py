"""A conversation that stands in one text, cut at what stands before each speaker."""

import re
from collections.abc import Sequence

from srt_core.errors import DatasetError
from srt_core.importing.files.shapes.roles import Speaker
from srt_core.importing.files.shapes.turns import Said
from srt_core.importing.files.shapes.values import is_blank

HOW = (
    "Say what stands before the instruction and before the response: "
    "--separator '### Human:' --separator '### Assistant:'; a third one is what ends a turn."
)


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
