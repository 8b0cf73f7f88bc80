"""Append candidates to the project file, each with its drift and growth, once."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from srt_core.project.candidates import texts
from srt_core.project.drift import UNCHANGED, Ruler, TextChange
from srt_core.project.transaction import Transaction
from srt_core.records import DERIVATIONS, Context, Origin, Pair, ProducerKind


class NewCandidate(NamedTuple):
    """A candidate to store. `parent_id` is the candidate that it rewrote (None: to be found)."""

    sample_id: str
    origin: Origin
    producer: str
    pair: Pair
    parent_id: int | None = None
    number: int = 1
    """Which one it is where its producer makes several of one origin."""

    @property
    def slot(self) -> tuple[str, Origin, str, int]:
        """What no two candidates share: of originals there is one, whoever brought it."""
        if self.origin is Origin.ORIGINAL:
            return self.sample_id, self.origin, "", 1
        return self.sample_id, self.origin, self.producer, self.number


def append_candidates(tx: Transaction, candidates: Sequence[NewCandidate]) -> int:
    """Store candidates with their drift and growth, leaving out those there already; returns how many are new.

    There is one ORIGINAL a sample and one candidate an origin, producer and number. A parent that is not given is the
    ORIGINAL, or for BOTH the same producer's INSTRUCTION of the same number; where that is not there it is not known.
    A producer that nobody registered is a file that held them.
    """
    known = _Known(tx, list({candidate.sample_id for candidate in candidates}))
    fresh = list({each.slot: each for each in candidates if each.slot not in known}.values())
    ids = tx.execute("SELECT nextval('candidate_ids') FROM range(?)", [len(fresh)])
    for (key,), candidate in zip(ids, fresh, strict=True):
        known.ids[candidate.slot] = key
    register_files(tx, {candidate.producer for candidate in fresh})
    rulers = _rulers(tx, known, fresh)
    contexts = _store_contexts(tx, (each.pair.context for each in fresh))
    rows = [
        (
            known.ids[each.slot], each.sample_id, str(each.origin), each.producer, each.number, each.pair.instruction,
            each.pair.input, each.pair.response, contexts.get(each.pair.context.json),
            each.parent_id if each.parent_id is not None else known.parent(each), change.drift, change.growth,
        )
        for each in fresh
        for change in [UNCHANGED if each.origin is Origin.ORIGINAL else _change(rulers, each)]
    ]  # fmt: skip
    tx.append("candidate", _CANDIDATE_COLUMNS, rows)
    return len(rows)


_CANDIDATE_COLUMNS = (
    "candidate_id", "sample_id", "origin", "producer", "number", "instruction", "input", "response", "context_id",
    "parent_id", "drift", "growth",
)  # fmt: skip


def _store_contexts(tx: Transaction, contexts: Iterable[Context]) -> dict[str | None, int]:
    """Store the contexts that are not there yet; return the id of each by its JSON, without that of no context."""
    held = {context.json: context for context in contexts if context.json is not None}
    if not held:
        return {}
    hashes = {messages: hashlib.sha256(messages.encode()).hexdigest() for messages in held}
    marks = ", ".join("?" * len(hashes))  # a list of values is looked up in the index, a join would scan the table
    ids = dict(tx.execute(f"SELECT hash, context_id FROM context WHERE hash IN ({marks})", list(hashes.values())))
    new = [messages for messages in held if hashes[messages] not in ids]
    keys = tx.execute("SELECT nextval('context_ids') FROM range(?)", [len(new)])
    for (key,), messages in zip(keys, new, strict=True):
        ids[hashes[messages]] = key
    tx.append(
        "context",
        ["context_id", "hash", "roles", "messages"],
        [(ids[hashes[messages]], hashes[messages], " ".join(held[messages].roles), messages) for messages in new],
    )
    return {messages: ids[found] for messages, found in hashes.items()}


def register_files(tx: Transaction, producers: Collection[str]) -> None:
    """Note that these producers are files, where they are not known as anything else."""
    tx.execute(
        """INSERT INTO producer (producer, kind) SELECT unnest(?::VARCHAR[]), ? ON CONFLICT DO NOTHING""",
        [sorted(producers), str(ProducerKind.FILE)],
    )


class _Known:
    """The candidates of some samples by slot, with those that are about to be stored."""

    def __init__(self, tx: Transaction, names: Sequence[str]) -> None:
        rows = tx.execute(
            """SELECT sample_id, origin, producer, number, candidate_id FROM candidate
               WHERE sample_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY candidate_id""",
            [list(names)],
        )
        self.ids: dict[tuple[str, Origin, str, int], int] = {}
        for name, origin, producer, number, key in rows:
            self.ids[NewCandidate(name, Origin(origin), producer, _NO_TEXT, number=number).slot] = key

    def __contains__(self, slot: tuple[str, Origin, str, int]) -> bool:
        return slot in self.ids

    def original(self, name: str) -> int:
        return self.ids[name, Origin.ORIGINAL, "", 1]

    def parent(self, candidate: NewCandidate) -> int | None:
        if candidate.origin is Origin.ORIGINAL:
            return None
        rewritten = candidate._replace(origin=DERIVATIONS[candidate.origin].parent)
        return self.ids.get(rewritten.slot)


_NO_TEXT = Pair("", "")


def _change(rulers: Mapping[str, Ruler], candidate: NewCandidate) -> TextChange:
    return rulers[candidate.sample_id].change(candidate.origin, candidate.pair)


def _rulers(tx: Transaction, known: _Known, fresh: Sequence[NewCandidate]) -> dict[str, Ruler]:
    """Return a ruler for each sample that gets a rewrite; originals that are not stored with it are read."""
    rewritten = {each.sample_id for each in fresh if each.origin is not Origin.ORIGINAL}
    rulers = {
        each.sample_id: Ruler(each.pair)
        for each in fresh
        if each.origin is Origin.ORIGINAL and each.sample_id in rewritten
    }
    absent = [known.original(name) for name in rewritten - set(rulers)]
    if absent:
        rulers |= {name: Ruler(pair) for name, _, pair in texts(tx, absent)}
    return rulers
