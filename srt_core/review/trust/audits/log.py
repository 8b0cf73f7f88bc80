"""The draws in the log of events, and how they are written and read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from srt_core.errors import SRTError
from srt_core.project.intervals import doubt_of, needed
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.review.queues import Queue, drawn_queue
from srt_core.review.verdicts import RANGES

MOST_ALLOWED = 20
"""Wrong ones that an audit may allow: with more, read the samples or change the policy."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an audit is to show: that at most the share `bound` of the rest is wrong, with this confidence."""

    bound: float = 0.03
    confidence: float = 0.95
    allowed: int = 0
    """Wrong ones that the audit may find and still show it."""

    def __post_init__(self) -> None:
        if not (0 < self.bound < 1 and 0 < self.confidence < 1 and 0 <= self.allowed <= MOST_ALLOWED):
            raise SRTError(
                f"An audit cannot show {self.bound} wrong at a confidence of {self.confidence} with {self.allowed} "
                "wrong among those drawn.",
                f"Give both as shares between 0 and 1, such as 0.03 and 0.95, and at most {MOST_ALLOWED} wrong.",
            )


@dataclass(frozen=True, slots=True)
class Audit:
    """A draw with what extended it: its terms, its population as it was, and the samples in the order of the draw."""

    event_id: int
    made_at: datetime
    author: str
    words: str
    """The filter of the population in words. They may quote the data set."""
    only: Filter
    terms: Terms
    """As of the last extension: `allowed` is then what it was extended to."""
    first_allowed: int
    population: int
    seed: str
    last_seq: int
    """The last sample there was: what is imported later is not of the population."""
    picks: str
    """A hash over the population's samples and candidates."""
    selected: str
    """The state of the selection at the draw."""
    samples: tuple[str, ...]
    candidates: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many were drawn."""
        return len(self.samples)

    @property
    def queue(self) -> Queue:
        """The queue of its samples in Review."""
        return drawn_queue(self.samples)

    def looks(self, allowed: int) -> list[tuple[int, int]]:
        """Return (drawn in all, wrong allowed) of every look up to one that allows so many wrong ones."""
        return [(self.size_for(wrong), wrong) for wrong in range(self.first_allowed, allowed + 1)]

    def size_for(self, allowed: int) -> int:
        """Return how many have to be drawn in all where so many wrong ones are allowed."""
        return needed(self.terms.bound, self.terms.confidence, allowed, self.population)

    def confidence(self, allowed: int) -> float:
        """Return the confidence of all looks up to one together; that of the terms where there is one look alone."""
        if allowed <= self.first_allowed:
            return self.terms.confidence
        return 1 - doubt_of(self.looks(allowed), self.terms.bound, self.population)


def audits(store: Store) -> list[Audit]:
    """List all audits, the newest first."""
    found: dict[int, Audit] = {}
    for row in store.rows("SELECT * FROM event WHERE kind = 'audit' ORDER BY event_id"):
        context = json.loads(row["context"])
        if "extends" in context:
            found[context["extends"]] = _extended(found[context["extends"]], context)
        else:
            found[row["event_id"]] = _read(row["event_id"], row["made_at"], row["author"], context)
    return list(reversed(found.values()))


def find_audit(store: Store, event_id: int | None) -> Audit:
    """Find an audit by the event of its draw (None: the newest). SRTError where it is not there."""
    for audit in audits(store):
        if event_id in (None, audit.event_id):
            return audit
    raise SRTError(f"There is no audit {event_id or ''}".rstrip() + ".", "Draw one on the page Trust.")


def written(only: Filter) -> dict[str, object]:
    """Write a filter for the log; JSON has no infinity."""
    return {item.name: _json(getattr(only, item.name)) for item in fields(only)}


def _json(value: object) -> object:
    if isinstance(value, tuple):
        return [_json(part) for part in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _read_filter(written: Mapping[str, Any]) -> Filter:
    values = {name: _read_value(value) for name, value in written.items()}
    only = Filter(**{name: value for name, value in values.items() if name in _FIELDS})
    # Draws of older versions bounded each measure by a field of its own.
    for name in RANGES:
        if ends := values.get(name):
            only = only.with_range(name, "", ends)
        if of_origin := values.get(f"origin_{name}"):
            only = only.with_range(name, of_origin[0], of_origin[1:])
    return only


_FIELDS = {item.name for item in fields(Filter)}


def _read_value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_read_value, value))
    return float(value) if value in ("inf", "-inf") else value


def _read(event_id: int, made_at: datetime, author: str, context: Mapping[str, Any]) -> Audit:
    return Audit(
        event_id, made_at, author, context["words"], _read_filter(context["filter"]),
        Terms(context["bound"], context["confidence"], context["allowed"]), context["allowed"], context["population"],
        context["seed"], context["last_seq"], context["picks"], context["selected"],
        tuple(context["sample_ids"]), tuple(context["candidate_ids"]),
    )  # fmt: skip


def _extended(audit: Audit, context: Mapping[str, Any]) -> Audit:
    return replace(
        audit,
        terms=replace(audit.terms, allowed=context["allowed"]),
        samples=(*audit.samples, *context["sample_ids"]),
        candidates=(*audit.candidates, *context["candidate_ids"]),
    )
