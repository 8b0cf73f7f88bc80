"""Who speaks in a message: the names that data sets give the speakers, as data."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from srt_core.errors import DatasetError


class Speaker(StrEnum):
    """Who speaks, or what: `tool` is a call of a tool or its result, which is no text to train on."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


ROLES: Mapping[str, Speaker] = {
    name: speaker
    for speaker, names in {
        Speaker.SYSTEM: "system developer",
        Speaker.USER: "user human prompter instruction input question prompt query",
        Speaker.ASSISTANT: (
            "assistant gpt chatgpt gpt-3.5 gpt-4 gpt4 bing bard claude gemini llama moss model bot ai chatbot "
            "output response answer completion"
        ),
        Speaker.TOOL: "tool tools function function_call function-call function_response tool_call tool_response "
        "observation ipython",
    }.items()
    for name in names.split()
}
"""Speaker by name in lower case."""

Roles = Mapping[str, Speaker]

ROLE_KEYS = ("role", "from", "speaker", "author", "sender")
CONTENT_KEYS = ("content", "value", "text", "message", "utterance", "parts")
_CONTENTS = frozenset(CONTENT_KEYS)


def parse_roles(assignments: Iterable[str]) -> dict[str, str]:
    """Return the roles of assignments such as "Librarian=assistant", by their name in lower case.

    Raises:
        DatasetError: an assignment has no "=", or names none of our speakers.
    """
    roles: dict[str, str] = {}
    for assignment in assignments:
        theirs, equals, ours = assignment.rpartition("=")
        if not equals or not theirs.strip() or ours.strip().lower() not in [*Speaker]:
            hint = f"Write THEIRS=OURS, where ours is {', '.join(Speaker)}: --role Librarian=assistant."
            raise DatasetError(f'"{assignment}" says no role.', hint)
        roles[theirs.strip().lower()] = ours.strip().lower()
    return roles


def is_message(value: object) -> bool:
    """Whether a value looks like one message of a conversation: a speaker and what was said."""
    return (
        isinstance(value, Mapping)
        and any(key in value for key in ROLE_KEYS)
        and any(key in value for key in CONTENT_KEYS)
    )
