"""A person: a name, which is only ever shown as text, and a role."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from srt_core.errors import PeopleError

MAX_NAME = 80
NOBODY = "curator"


class Role(StrEnum):
    """What a person may do: a curator looks and decides; an owner also changes the data and the policy."""

    OWNER = "owner"
    CURATOR = "curator"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the screen."""

    name: str
    role: Role

    @property
    def is_owner(self) -> bool:
        """Whether the person may import, run jobs, change policies, export and manage people."""
        return self.role is Role.OWNER

    def may_undo(self, author: str) -> bool:
        """Return whether the person may undo what `author` did: their own decisions, or an owner everybody's."""
        return self.is_owner or author == self.name


def clean_name(text: str) -> str:
    """Return any text as a name: no control, format or bidirectional characters, single spaces, at most 80 characters.

    "curator" where nothing is left.
    """
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or not unicodedata.category(letter).startswith("C")
    )
    return " ".join(kept.split())[:MAX_NAME].rstrip() or NOBODY


def read_role(text: str) -> Role:
    """Return the role of that name; PeopleError for any other word."""
    if text not in list(Role):
        raise PeopleError(f"There is no role '{text}'.", f"Choose from: {', '.join(Role)}.")
    return Role(text)
