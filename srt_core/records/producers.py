"""What can make a candidate."""

from enum import StrEnum


class ProducerKind(StrEnum):
    """What a producer of candidates is."""

    FILE = "file"
    """An imported file that held them."""
    TEACHER = "teacher"
    STUDENT = "student"
    COACH = "coach"
    """A function or a model that learnt from edits, which no teacher's prompts ask."""
    PERSON = "person"
