"""What a sample is about, read from its original pair: the type of its task, its language, and its subject."""

from dataclasses import dataclass

from srt_core.importing.kinds.languages import UNKNOWN, language_of
from srt_core.importing.kinds.tasks import TaskType, task_of
from srt_core.records import Pair

__all__ = ["UNKNOWN", "Kind", "TaskType", "kind_of", "language_of", "task_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a pair's task, and its language as an ISO 639 code or UNKNOWN."""

    task: TaskType
    language: str


def kind_of(pair: Pair) -> Kind:
    """Read the kind of an original pair."""
    return Kind(task_of(pair), language_of(pair))
