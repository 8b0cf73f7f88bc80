"""The student that stays loaded in the server process, so that looking at sample after sample loads it only once."""

import threading
from dataclasses import dataclass

from srt_core.score.student import Student, files_stamp, load_student


@dataclass(frozen=True, slots=True)
class StudentChoice:
    """Which student to load: its folder or hub name, device and dtype."""

    name: str
    device: str
    dtype: str


class Resident:
    """At most one loaded student, for all sessions and threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[StudentChoice, str, Student] | None = None

    def holds(self, wanted: StudentChoice) -> bool:
        """Return whether that student is loaded from the files as they are now; never waits for one being loaded."""
        held = self._held
        return held is not None and held[:2] == (wanted, files_stamp(wanted.name))

    def get(self, wanted: StudentChoice) -> Student:
        """Return that student; load it in place of the present one if that is another, or its files have changed.

        Raises:
            StudentError: as load_student.
        """
        with self._lock:
            stamp = files_stamp(wanted.name)
            if self._held and self._held[:2] == (wanted, stamp):
                return self._held[2]
            self._held = None  # released first: two students may not fit in memory
            student = load_student(wanted.name, device=wanted.device, dtype=wanted.dtype)
            self._held = wanted, stamp, student
            return student

    def release(self) -> None:
        """Release the student, so that another step can use the memory."""
        with self._lock:
            self._held = None


RESIDENT = Resident()
"""The resident student of this process."""
