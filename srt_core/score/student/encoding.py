"""A student as an encoder: the mean of its last hidden states over the tokens of a text (Cherry, arXiv 2308.12032).

The start token before each text is not counted: its state is the same for all texts, and far longer than the others.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from srt_core.errors import StudentError
from srt_core.score.student.failures import is_out_of_memory, short_reason
from srt_core.score.student.model import Student

if TYPE_CHECKING:
    import torch

MAX_LENGTH = 512
"""Tokens of a text that are read, as Cherry's code does."""
_TOKENS = 4096
"""Tokens in a forward pass, with their padding."""


class StudentEncoder:
    """Vectors by the hidden states of a student."""

    def __init__(self, student: Student) -> None:
        """Take a student that is loaded."""
        self._student = student
        self._length = min(MAX_LENGTH, student.max_length_limit)
        self.name = student.name
        self.fingerprint = f"{student.fingerprint} mean {self._length}"
        self.state: bytes | None = None
        self.dimensions = int(student.hidden([student.start_ids]).shape[-1])

    def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """Return a vector a text; None for a text without tokens.

        Raises:
            StudentError: a text does not fit in memory, or the model fails.
        """
        start = self._student.start_ids
        ids = [(*start, *found)[: self._length] for found in self._student.encode(texts, special=False)]
        vectors: list[Sequence[float] | None] = [None] * len(texts)
        for batch in _batches([place for place, each in enumerate(ids) if len(each) > len(start)], ids):
            hidden = self._hidden([ids[place] for place in batch])
            for place, states in zip(batch, hidden, strict=True):
                mean = states[len(start) : len(ids[place])].double().mean(dim=0)
                vectors[place] = mean.tolist() if bool(mean.isfinite().all()) else None
        return vectors

    def _hidden(self, sequences: list[tuple[int, ...]]) -> "torch.Tensor":
        try:
            return self._student.hidden(sequences)
        except (MemoryError, RuntimeError) as error:
            longest = max(map(len, sequences))
            if not is_out_of_memory(error):
                message = f"The student '{self.name}' failed on a text of {longest} tokens: {short_reason(error)}."
                raise StudentError(message, "Try it on the CPU, or choose another student.") from error
            message = f"Texts of {longest} tokens do not fit in memory."
            raise StudentError(message, "Choose a smaller student, or the encoder tfidf.") from error


def _batches(places: Sequence[int], ids: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Put texts of like length together, so that little is padded."""
    batches: list[list[int]] = []
    for place in sorted(places, key=lambda each: len(ids[each])):
        if batches and (len(batches[-1]) + 1) * len(ids[place]) <= _TOKENS:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches
