"""What a sample is about, from its original pair: its task type, its language, and its subject.

    normalise   the pair in the form in which patterns are matched: short, lower case, without polite openings
    patterns    code and mathematics; tasks: the other task types, by the table tasks.toml
    languages   the language of a text
    subjects    groups of texts: TF-IDF, latent dimensions, k-means

Task type and language are found in each pair by itself; subjects only exist for a whole set. All are read from the pair
alone, not from its context: what is asked now is what the sample trains.
"""

from dataclasses import dataclass

from srt_core.importing.kinds.languages import UNKNOWN, language_of
from srt_core.importing.kinds.tasks import TaskType, task_of
from srt_core.records import Pair

__all__ = ["UNKNOWN", "Kind", "TaskType", "kind_of", "language_of", "task_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """The task type of a pair, and its language as an ISO 639 code or UNKNOWN."""

    task: TaskType
    language: str


def kind_of(pair: Pair) -> Kind:
    """Return the kind of an original pair."""
    return Kind(task_of(pair), language_of(pair))
