"""A project whose samples have contexts and columns of their curator's own, stored as an import stores them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from srt_core.importing.files import Account, ImportRow
from srt_core.importing.imports import begin_import, finish_import
from srt_core.importing.samples import add_rows
from srt_core.project.store import Store
from srt_core.records import Action, Context, Decision, Origin, Pair, Role, Turn
from srt_core.review import decisions
from tests.empty_project import create_empty

Row = tuple[Pair, Mapping[str, Any]]
"""A pair in its context, and the columns beside it."""


def turns(*texts: str) -> tuple[Turn, ...]:
    """User and assistant in turn, the user first."""
    return tuple(Turn((Role.USER, Role.ASSISTANT)[place % 2], text) for place, text in enumerate(texts))


def exchanges(system: str, *texts: str) -> list[Pair]:
    """Every exchange of a conversation, each in the context of what precedes it."""
    return [
        Pair(texts[place], texts[place + 1], context=Context(system, turns(*texts[:place])))
        for place in range(0, len(texts), 2)
    ]


def create_project(
    path: Path, rows: Sequence[Row], candidates: Mapping[int, Mapping[Origin, Pair]] | None = None
) -> Store:
    """Create a project of these rows; `candidates` are rewrites by the place of their row."""
    store = create_empty(path)
    import_id = begin_import(store, str(path.with_suffix(".jsonl")), "0" * 64, "messages", {})
    found = [
        ImportRow(place, place, pair, dict((candidates or {}).get(place - 1, {})), {}, dict(extra))
        for place, (pair, extra) in enumerate(rows, start=1)
    ]
    finish_import(store, import_id, "people.jsonl", add_rows(store, import_id, found, "people.jsonl"), Account())
    return store


def sample_ids(store: Store) -> list[str]:
    """The samples in their order."""
    return [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq")]


def join_conversations(store: Store, *groups: Sequence[str]) -> None:
    """Make each group of samples, the last exchange last, the exchanges of one conversation."""
    with store.transaction() as tx:
        for group in groups:
            tx.execute(
                "UPDATE sample SET conversation = ? WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))",
                [group[-1], list(group)],
            )


def keep(store: Store, sample: str, origin: Origin = Origin.ORIGINAL, edited: Pair | None = None) -> None:
    """Have a sample exported as one of its versions, or as edited from it."""
    action = Action.EDIT if edited else Action.CHOOSE
    decisions.decide(store, Decision(sample, action, "Ann", origin, edited), expected_event_id=None)
