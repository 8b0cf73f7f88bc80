"""The audits in the log of events: what was drawn from, and how it is written and read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from srt_core.errors import SRTError
from srt_core.project.intervals import needed
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter, is_empty
from srt_core.review.queues import Queue, drawn_queue
from srt_core.review.trust.claims import confidence_of
from srt_core.review.verdicts import RANGES

MOST_ALLOWED = 20
"""Wrong ones that an audit may allow: with more, read the samples or change the policy."""


class Part(StrEnum):
    """Which samples of a filter an audit draws from."""

    ALL = "all"
    """All of them. No policy is asked, so the reads stand for every policy."""
    KEPT = "kept"
    """Those that the policy in use keeps; stands for that policy alone."""
    LEFT_OUT = "left out"
    """Those that it leaves out; stands for that policy alone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an audit is to show for an approval: that at most the share `bound` of the rest is wrong."""

    bound: float = 0.03
    confidence: float = 0.95
    """Over this and every other audit of these samples."""
    allowed: int = 0
    """Wrong ones that the audit may find and still show it."""

    def __post_init__(self) -> None:
        if not (0 < self.bound < 1 and 0 < self.confidence < 1 and 0 <= self.allowed <= MOST_ALLOWED):
            raise SRTError(
                f"An audit cannot show {self.bound} wrong at a confidence of {self.confidence} with {self.allowed} "
                "wrong among those drawn.",
                f"Give both as shares between 0 and 1, such as 0.03 and 0.95, and at most {MOST_ALLOWED} wrong.",
            )

    def needed(self, rest: int, look: int) -> int:
        """Return how many of `rest` undecided samples have to be drawn, at a look (from 1) at them."""
        return needed(self.bound, round(confidence_of(look, self.confidence), 9), self.allowed, rest)


@dataclass(frozen=True, slots=True)
class Audit:
    """A draw with what extended it: its population as it was, and the samples in the order of the draw."""

    event_id: int
    made_at: datetime
    author: str
    words: str
    """The filter of the population in words. They may quote the data set."""
    only: Filter
    part: Part
    is_blind: bool
    """Whether it is read blind. Audits of older versions were open: they show agreement and claim nothing."""
    terms: Terms | None
    """As of the last extension; None: for reading alone, nothing is approved on it."""
    looks: tuple[int, ...]
    """The how-manieth look at overlapping populations the draw was, and each extension."""
    population: int
    rest: int
    """Of the population, what nobody had decided at the draw."""
    seed: str
    last_seq: int
    """The last sample there was: what is imported later is not of the population."""
    picks: str
    """A hash over the population's samples and, where a policy made it, what the rule kept of them."""
    selected: str
    """The state of the selection at the draw."""
    samples: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many were drawn."""
        return len(self.samples)

    @property
    def look(self) -> int:
        """The look that counts."""
        return self.looks[-1]

    @property
    def is_of_all(self) -> bool:
        """Whether it drew from all samples there were, whatever any policy says of them."""
        return self.is_blind and self.part is Part.ALL and is_empty(self.only)

    @property
    def queue(self) -> Queue:
        """The queue of its samples in Review."""
        return drawn_queue(self.samples, is_blind=self.is_blind)


def audits(store: Store) -> list[Audit]:
    """List all audits, the newest first."""
    drawn = {
        row["audit_id"]: tuple(row["samples"])
        for row in store.rows("SELECT audit_id, list(sample_id ORDER BY place) AS samples FROM drawn GROUP BY audit_id")
    }
    found: dict[int, Audit] = {}
    for row in store.rows("SELECT * FROM event WHERE kind = 'audit' ORDER BY event_id"):
        context = json.loads(row["context"])
        if "extends" in context:
            found[context["extends"]] = _extended(found[context["extends"]], context)
        else:
            samples = drawn.get(row["event_id"], ())
            found[row["event_id"]] = _read(row["event_id"], row["made_at"], row["author"], context, samples)
    return list(reversed(found.values()))


def find_audit(store: Store, event_id: int | None) -> Audit:
    """Find an audit by the event of its draw (None: the newest). SRTError where it is not there."""
    for audit in audits(store):
        if event_id in (None, audit.event_id):
            return audit
    raise SRTError(f"There is no audit {event_id or ''}".rstrip() + ".", "Draw one on the page Trust.")


def count_read(store: Store, audit: Audit) -> int:
    """Count the samples of an audit that somebody read."""
    sql = "SELECT count(*) FROM drawn WHERE audit_id = ? AND sample_id IN (SELECT sample_id FROM reading)"
    return int(store.value(sql, [audit.event_id]))


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


def _read(event_id: int, made_at: datetime, author: str, context: Mapping[str, Any], samples: tuple[str, ...]) -> Audit:
    is_blind = "part" in context  # of an older version, all were open, of what the rule kept and nobody had decided
    terms = Terms(context["bound"], context["confidence"], context["allowed"]) if "bound" in context else None
    return Audit(
        event_id, made_at, author, context["words"], _read_filter(context["filter"]),
        Part(context.get("part", Part.KEPT)), is_blind, terms, (context.get("look", 1),), context["population"],
        context.get("rest", context["population"]), context["seed"], context["last_seq"], context["picks"],
        context["selected"], samples,
    )  # fmt: skip


def _extended(audit: Audit, context: Mapping[str, Any]) -> Audit:
    terms = replace(audit.terms, allowed=context["allowed"]) if audit.terms else None
    return replace(audit, terms=terms, looks=(*audit.looks, context.get("look", 1)))
