"""Which exchanges of a conversation become pairs, each in the context of what stands before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from srt_core.errors import DatasetError
from srt_core.importing.files.shapes.roles import Speaker
from srt_core.importing.files.shapes.turns import Said
from srt_core.importing.files.shapes.values import is_blank
from srt_core.records import NO_CONTEXT, Context, Role, Turn


class Turns(StrEnum):
    """Which exchanges of a conversation are taken."""

    LAST = "last"
    EVERY = "every"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user turn and the answer to it, with what stands before them."""

    user: str
    assistant: str
    context: Context
    fields: Sequence[Mapping[str, object]]
    """What each message carries beside role and content: of the context, the user turn, the answer."""

    @property
    def message_fields(self) -> list[Mapping[str, object]]:
        """The fields as they are kept; none where no message has any."""
        return list(self.fields) if any(self.fields) else []


@dataclass(frozen=True, slots=True)
class Taken:
    """The exchanges that were taken of a conversation, and sentences about what was left off."""

    exchanges: Sequence[Exchange]
    notes: Sequence[str] = ()


LEFT_OFF = "Conversations that ended with a turn of the user, which was left off"
NOT_TRAINED_ON = "Answers with the weight 0, taken as context only"


def take(said: Sequence[Said], turns: Turns, system: str = "") -> Taken:
    """Return the exchanges of a conversation that are asked for; `system` is the text of a column beside it.

    Raises:
        DatasetError: it has no exchange, or a system turn stands in its middle.
    """
    has_system = bool(said) and said[0].speaker is Speaker.SYSTEM
    fields: list[Mapping[str, object]] = []
    if has_system:
        system, said, fields = said[0].text, said[1:], [said[0].fields]
    elif system:
        fields = [{}]
    _check(said, has_system)
    notes = [LEFT_OFF] if said[-1].speaker is Speaker.USER else []
    places = [at for at in range(1, len(said)) if said[at].speaker is Speaker.ASSISTANT]
    if turns is Turns.EVERY:
        trained = [at for at in places if said[at].fields.get("weight") != 0]
        notes += [NOT_TRAINED_ON] * (len(places) - len(trained))
        places = trained or places[-1:]
    elif turns is Turns.FIRST:
        places, notes = places[:1], []
    else:
        places = places[-1:]
    spoken = tuple(Turn(Role(str(each.speaker)), each.text) for each in said[: places[-1]])
    kept = "" if is_blank(system) else system
    exchanges = [
        Exchange(
            said[at - 1].text,
            said[at].text,
            Context(kept, spoken[: at - 1]) if kept or at > 1 else NO_CONTEXT,
            [*fields, *(each.fields for each in said[: at + 1])],
        )
        for at in places
    ]
    return Taken(exchanges, notes)


def _check(said: Sequence[Said], has_system: bool) -> None:
    speakers = {each.speaker for each in said}
    if not said:
        raise DatasetError("The conversation has only a system turn." if has_system else "The conversation is empty.")
    if Speaker.SYSTEM in speakers:
        raise DatasetError("A system turn stands in the middle of the conversation.", "Move it to the beginning.")
    if Speaker.ASSISTANT not in speakers:
        raise DatasetError("The conversation has no assistant turn.")
    if Speaker.USER not in speakers:
        raise DatasetError("The conversation has no user turn.")
    if len(said) == 2 and said[0].speaker is Speaker.ASSISTANT:  # noqa: PLR2004 (a greeting, and a question to it)
        raise DatasetError("The conversation has no assistant turn after its user turn.")
