"""Samples and candidates in the project file: append candidates, read one sample whole."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Sequence

from srt_core.errors import DecisionError
from srt_core.project.drift import UNCHANGED, Ruler
from srt_core.project.store import Row, Store, Transaction
from srt_core.records import DERIVATIONS, Origin, Pair


def pair_hash(pair: Pair) -> str:
    """Hash a pair by content: 16 hexadecimal characters."""
    text = json.dumps([pair.instruction, pair.input, pair.response], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _texts(tx: Transaction, ids: Sequence[int]) -> list[tuple[str, str, Pair]]:
    """Read the sample, origin and pair of candidates."""
    rows = tx.execute(
        """SELECT sample_id, origin, instruction, input, response FROM candidate
           WHERE candidate_id IN (SELECT unnest(?::BIGINT[]))""",
        [list(ids)],
    )
    return [
        (name, origin, Pair(instruction=instruction, input=input_, response=response))
        for name, origin, instruction, input_, response in rows
    ]


Wanted = tuple[str, Origin, str, Pair, int | None]
"""A candidate to store: sample, origin, producer, pair, and the candidate that it rewrote (None: to be found)."""


def append_candidates(tx: Transaction, wanted: Sequence[Wanted]) -> int:
    """Store candidates with their drift and growth, leaving out those there already; returns how many are new.

    There is one ORIGINAL a sample and one candidate an origin and producer. A parent that is not given is the
    ORIGINAL, or for BOTH the same producer's INSTRUCTION; where that is not there it is not known.
    """
    known = _Known(tx, list({name for name, *_ in wanted}))
    fresh = list({_slot(candidate): candidate for candidate in wanted if not known.has(*candidate[:3])}.values())
    ids = tx.execute("SELECT nextval('candidate_ids') FROM range(?)", [len(fresh)])
    for (key,), candidate in zip(ids, fresh, strict=True):
        known.add(key, *candidate[:3])
    rulers = _rulers(tx, known, fresh)
    rows = [
        (known.id(name, origin, producer), name, str(origin), producer, pair.instruction, pair.input, pair.response,
         parent if parent is not None else known.parent(name, origin, producer), change.drift, change.growth)
        for name, origin, producer, pair, parent in fresh
        for change in [UNCHANGED if origin is Origin.ORIGINAL else rulers[name].change(origin, pair)]
    ]  # fmt: skip
    tx.append("candidate", _CANDIDATE_COLUMNS, rows)
    return len(rows)


_CANDIDATE_COLUMNS = (
    "candidate_id", "sample_id", "origin", "producer", "instruction", "input", "response", "parent_id", "drift",
    "growth",
)  # fmt: skip


def _slot(candidate: Wanted) -> tuple[str, Origin, str]:
    name, origin, producer, *_ = candidate
    return name, origin, "" if origin is Origin.ORIGINAL else producer


class _Known:
    """The candidates of some samples by origin and producer, with those that are about to be stored."""

    def __init__(self, tx: Transaction, names: Sequence[str]) -> None:
        self._tx = tx
        self._ids: defaultdict[tuple[str, Origin], dict[str, int]] = defaultdict(dict)
        for name, origin, producer, key in tx.execute(
            """SELECT sample_id, origin, producer, candidate_id FROM candidate
               WHERE sample_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY candidate_id""",
            [list(names)],
        ):
            self._ids[name, Origin(origin)][producer] = key

    def has(self, name: str, origin: Origin, producer: str) -> bool:
        ids = self._ids.get((name, origin), ())
        return producer in ids or (origin is Origin.ORIGINAL and bool(ids))

    def add(self, key: int, name: str, origin: Origin, producer: str) -> None:
        self._ids[name, origin][producer] = key

    def id(self, name: str, origin: Origin, producer: str) -> int:
        return self._ids[name, origin][producer]

    def original(self, name: str) -> int:
        return next(iter(self._ids[name, Origin.ORIGINAL].values()))

    def parent(self, name: str, origin: Origin, producer: str) -> int | None:
        if origin is Origin.ORIGINAL:
            return None
        rewritten = DERIVATIONS[origin].parent
        return self.original(name) if rewritten is Origin.ORIGINAL else self._ids[name, rewritten].get(producer)


def _rulers(tx: Transaction, known: _Known, fresh: Sequence[Wanted]) -> dict[str, Ruler]:
    """Return a ruler for each sample that gets a rewrite; originals that are not stored with it are read."""
    rewritten = {name for name, origin, *_ in fresh if origin is not Origin.ORIGINAL}
    rulers = {
        name: Ruler(pair) for name, origin, _, pair, _ in fresh if origin is Origin.ORIGINAL and name in rewritten
    }
    absent = [known.original(name) for name in rewritten - set(rulers)]
    if absent:
        rulers |= {name: Ruler(pair) for name, _, pair in _texts(tx, absent)}
    return rulers


def count_samples(store: Store) -> int:
    """Count the samples of the project."""
    return int(store.value("SELECT count(*) FROM sample"))


def find_sample(store: Store, name: str) -> str:
    """Find a sample by its id, or by its number in the project; DecisionError if there is none."""
    sql = "SELECT sample_id FROM sample WHERE sample_id = ? OR seq = try_cast(? AS BIGINT)"
    found: str | None = store.value(sql, [name, name])
    if found is None:
        raise DecisionError(
            f"There is no sample {name}.", "Give an id or number as shown on the screens or in scores.jsonl."
        )
    return found


def candidates(store: Store, sample: str, ids: Collection[int] | None = None) -> dict[Origin, Row]:
    """Read a sample's candidates with their scores under the scoring in use, in the order of Origin.

    Of each origin the one among `ids`; where these are not given, the earliest.
    """
    found = store.rows("SELECT candidate_id FROM candidate WHERE sample_id = ?", [sample])
    held = [row["candidate_id"] for row in found if ids is None or row["candidate_id"] in ids]
    if not held:
        return {}
    # By their ids and one by one: a join with all scores would read them all.
    rows = store.rows(
        f"""SELECT candidate.*, score.* EXCLUDE (candidate_id) FROM candidate
            LEFT JOIN score ON score.candidate_id = candidate.candidate_id AND score.scoring_id = ?
            WHERE candidate.candidate_id IN ({", ".join("?" * len(held))}) ORDER BY candidate.candidate_id DESC""",
        [store.scoring_id(), *held],
    )
    by_origin = {row["origin"]: row for row in rows}
    return {origin: by_origin[origin] for origin in Origin if origin in by_origin}


def edit(store: Store, event_id: int) -> Row | None:
    """Read the pair that an edit wrote, with its score under the scoring in use; None where the event is no edit."""
    rows = store.rows(
        """SELECT event.instruction, event.input, event.response, event.event_id, edit_score.* EXCLUDE (event_id)
           FROM event LEFT JOIN edit_score ON edit_score.event_id = event.event_id
               AND edit_score.scoring_id = (FROM scoring_in_use)
           WHERE event.event_id = ? AND kind = 'edit'""",
        [event_id],
    )
    return rows[0] if rows else None


def reflections(store: Store, sample: str) -> list[Row]:
    """Read every reflection of a sample with the call behind it, the newest first."""
    return store.rows("SELECT * FROM reflected WHERE sample_id = ? ORDER BY reflection_id DESC", [sample])


def pair_of(row: Row) -> Pair:
    """Return the pair in a row that has instruction, input and response."""
    return Pair(instruction=row["instruction"], response=row["response"], input=row["input"])
