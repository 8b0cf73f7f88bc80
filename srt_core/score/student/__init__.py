"""The student: the LLM that will be trained, asked only for losses. The one importer of torch and transformers.

They, and Ray, are imported when a student is loaded, not when this package is.
"""

from srt_core.score.student.engines import Engine, open_student
from srt_core.score.student.files import files_stamp
from srt_core.score.student.loading import load_student
from srt_core.score.student.model import Student
from srt_core.score.student.packing import Batching, Pack, computed_tokens
from srt_core.score.student.scorer import Identity, Scorer

__all__ = [
    "Batching",
    "Engine",
    "Identity",
    "Pack",
    "Scorer",
    "Student",
    "computed_tokens",
    "files_stamp",
    "load_student",
    "open_student",
]
