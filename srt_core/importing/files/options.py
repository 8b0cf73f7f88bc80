"""How the records of a file are to be read, beyond which column is what."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from srt_core.importing.files.shapes.asides import NotText
from srt_core.importing.files.shapes.exchanges import Turns
from srt_core.importing.files.shapes.roles import ROLES, Speaker
from srt_core.importing.files.shapes.turns import Manner


class Placeholders(StrEnum):
    """What becomes of words for nothing, such as "nan" or "<noinput>", in the place of a text."""

    KEEP = "keep"
    INPUT = "input"
    """In an input they count as empty."""
    REFUSE = "refuse"
    """In an input they count as empty, and a record whose response is one is refused."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who imports may say."""

    turns: Turns = Turns.LAST
    roles: Mapping[str, str] = field(default_factory=dict)
    """Ours by theirs, in lower case; beside the known ones."""
    separators: tuple[str, ...] = ()
    """What stands before the instruction and before the response where both are in one text."""
    placeholders: Placeholders = Placeholders.INPUT
    take: tuple[NotText, ...] = ()
    """What is left aside, with a mark, so that the texts beside it are taken."""
    encoding: str | None = None
    key: str | None = None
    """The list of records in an object that holds several."""

    @property
    def manner(self) -> Manner:
        """How messages are read."""
        roles = {**ROLES, **{theirs: Speaker(ours) for theirs, ours in self.roles.items()}}
        return Manner(roles, self.take)

    @property
    def said(self) -> dict[str, object]:
        """What differs from the defaults, as JSON keeps it."""
        plain = asdict(DEFAULTS)
        return {name: value for name, value in asdict(self).items() if value != plain[name]}


DEFAULTS = Options()
AS_WRITTEN = Options(placeholders=Placeholders.KEEP)
"""For files of our own: every text is what it says."""
