"""The student: the LLM that will be trained, asked only for losses. The one importer of torch and transformers.

Both are imported when a student is loaded, not when this package is.
"""

from srt_core.student.loading import load_student
from srt_core.student.model import Request, Student

__all__ = ["Request", "Student", "load_student"]
