"""The student that stays in the server process, so that looking at one sample after another loads it once."""

import threading
from dataclasses import dataclass

from srt_core.score.student import Student, files_stamp, load_student


@dataclass(frozen=True, slots=True)
class StudentChoice:
    """Which student: its folder or hub name, and how it is loaded."""

    name: str
    device: str
    dtype: str


class Resident:
    """At most one loaded student, for all sessions and threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[StudentChoice, str, Student] | None = None

    def holds(self, wanted: StudentChoice) -> bool:
        """Whether that student is loaded, from the files that are there now. Never waits for one that is loading."""
        held = self._held
        return held is not None and held[:2] == (wanted, files_stamp(wanted.name))

    def get(self, wanted: StudentChoice) -> Student:
        """Return that student; it is loaded in place of the one before where it is another, or where its files changed.

        Raises:
            StudentError: as load_student.
        """
        with self._lock:
            stamp = files_stamp(wanted.name)
            if self._held and self._held[:2] == (wanted, stamp):
                return self._held[2]
            self._held = None  # two would need the memory of two
            student = load_student(wanted.name, device=wanted.device, dtype=wanted.dtype)
            self._held = wanted, stamp, student
            return student

    def release(self) -> None:
        """Let the student go, so that another step has the memory."""
        with self._lock:
            self._held = None


RESIDENT = Resident()
"""The one of this process."""
