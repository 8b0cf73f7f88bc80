"""Drafts: what a reviewer has typed into an edit and not saved yet, kept with the project by reviewer and sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin


@dataclass(frozen=True, slots=True)
class Draft:
    """The texts of an edit that is not saved, and the version that it is of."""

    sample_id: str
    origin: Origin
    repairs: Origin | None
    """The version that failed and is written by hand; None for none."""
    instruction: str
    input: str
    response: str


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft, and when it was last kept (UTC)."""

    draft: Draft
    made_at: datetime


def keep(store: Store, draft: Draft, by: str) -> None:
    """Keep a reviewer's draft in the place of the one that they had of the sample."""
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO draft (author, sample_id, origin, repairs, instruction, input, response)
               VALUES (?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET origin = excluded.origin, repairs = excluded.repairs, input = excluded.input,
                   instruction = excluded.instruction, response = excluded.response, made_at = excluded.made_at""",
            [by, draft.sample_id, draft.origin, draft.repairs, draft.instruction, draft.input, draft.response],
        )


def drop(tx: Transaction, sample: str, by: str) -> None:
    """Drop a reviewer's draft of a sample, if there is one."""
    tx.execute("DELETE FROM draft WHERE author = ? AND sample_id = ?", [by, sample])


def read(store: Store, samples: Sequence[str], by: str) -> dict[str, KeptDraft]:
    """Read a reviewer's drafts of some samples."""
    found = store.read(
        KeptDraft,
        """SELECT {'sample_id': sample_id, 'origin': origin, 'repairs': repairs, 'instruction': instruction,
                   'input': input, 'response': response} AS draft, made_at
           FROM draft WHERE author = ? AND sample_id IN (SELECT unnest(?::VARCHAR[]))""",
        [by, list(samples)],
    )
    return {each.draft.sample_id: each for each in found}
