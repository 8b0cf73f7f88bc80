"""Policies as they were put in use: the last one, taking it back, and what each changed, in words.

Applying is an event of kind policy, with the values that came in use and those before. Taking it back is another one
that names what it undoes: the log only grows, and no decision of a reviewer is looked at. What was taken back is passed
over, so pressing again takes back the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, MEASURES
from srt_core.project.store import Store
from srt_core.records import OPTIONS, Policy
from srt_core.select.derive import refresh
from srt_core.select.policy import with_settings
from srt_core.select.selection import check_producer, put_in_use


@dataclass(frozen=True, slots=True)
class Applied:
    """An event that put a policy in use and was not taken back."""

    event_id: int
    author: str
    made_at: datetime
    """UTC."""
    context: Mapping[str, Any]
    """The values that came in use by name, and those before as `before`, as the log has them."""

    @property
    def name(self) -> str:
        """The name of the policy that came in use."""
        return str(self.context.get("name", ""))

    @property
    def name_before(self) -> str:
        """The name of the policy that was in use before; "" where an older version did not keep it."""
        return str((self.context.get("before") or {}).get("name", ""))


def last_applied(store: Store) -> Applied | None:
    """Read the policy event that can be taken back: the last one that was not. None where nothing is left."""
    return store.find(
        Applied,
        """SELECT event_id, author, made_at, context FROM event
           WHERE kind = 'policy' AND undoes IS NULL
             AND event_id NOT IN (SELECT undoes FROM event WHERE undoes IS NOT NULL)
           ORDER BY event_id DESC LIMIT 1""",
    )


def undo_applied(store: Store, event_id: int, by: str) -> Policy:
    """Put back the policy that stood before an event that applied one, as an event too; returns it.

    Reviewers' decisions stay as they are. PolicyError where nothing is left to take back, where the event is not the
    last (somebody applied another policy, or took this one back, since it was looked at), and where the policy before
    cannot be used here any more.
    """
    with store.transaction() as tx:  # nobody else writes meanwhile
        last = last_applied(store)
        if last is None:
            raise PolicyError("No policy was applied that could be undone.", "Choose the policy to use, and apply it.")
        if last.event_id != event_id:
            raise _overtaken(store, last, event_id)
        policy = _before(last)
        check_producer(store, policy.producer)
        put_in_use(tx, policy, by, undoes=event_id)
    refresh(store)
    return policy


def changes_in(context: Mapping[str, Any]) -> list[str]:
    """Say what an event of kind policy changed, a line a limit or option: "Highest r-IFD: 1 → 0.8".

    The names of limits are ours; those of producers are data. [] where an older version did not keep what was before.
    """
    before = context.get("before")
    return [] if before is None else changed_values(before, context)


def changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in which limits and options the values of two policies by name differ, a line each."""
    names = [name for name in dict.fromkeys((*DIALS, *before, *after)) if name not in _NO_VALUES]
    return [
        f"{DIALS[name].label if name in DIALS else name}: {said(name, before.get(name))} → "
        f"{said(name, after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    ]


_NO_VALUES = ("name", "method", "before")
_CHOICES: Mapping[str, str] = {
    "improved": "if better",
    "always": "always",
    "never": "never",
    "kept": "what is left",
    "all": "all samples",
    "round": "to the nearest",
    "floor": "down",
    **{name: measure.label for name, measure in MEASURES.items()},
}
ANYBODY = "the earliest of each version"


def said(name: str, value: object) -> str:
    """Write the value of a limit or option as a person would; a producer's name as it is."""
    if value is None:
        return "off"
    if name == "producer":
        return str(value) or ANYBODY
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else _CHOICES.get(str(value), str(value))


def _overtaken(store: Store, last: Applied, event_id: int) -> PolicyError:
    undone = store.rows("SELECT author FROM event WHERE undoes = ? AND kind = 'policy'", [event_id])
    if undone:
        return PolicyError(f"That was undone meanwhile, by {undone[0]['author']}.", "Look at what is in use now.")
    if last.event_id > event_id:
        return PolicyError(
            f"{last.author} applied {last.name} since, so nothing was undone.",
            "Look at what is in use now, and undo that first if it is to go.",
        )
    return PolicyError(f"Event {event_id} applied no policy.", "Choose the last policy that was applied.")


def _before(last: Applied) -> Policy:
    """Read the policy that stood before; PolicyError where it was not kept whole or cannot be used here."""
    values = dict(last.context.get("before") or {})
    if not set(OPTIONS) <= set(values):
        raise PolicyError(
            "An older version of srt applied this policy, and did not keep all that stood before it.",
            "Choose the policy to use, and apply it.",
        )
    try:
        return with_settings(replace(Policy(), limits=()), values)
    except PolicyError as error:  # of a method whose file is gone
        raise PolicyError(
            f"The policy before, {last.name_before}, cannot be used here: {error.message}",
            "Choose the policy to use, and apply it.",
        ) from error
