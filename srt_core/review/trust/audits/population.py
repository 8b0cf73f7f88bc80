"""What an audit draws from: samples of a filter, by what the rule says of them or not, now and as of the draw."""

from collections.abc import Mapping
from dataclasses import dataclass

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter, is_empty, membership
from srt_core.review.trust.audits.log import Audit, Part
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, settings_of
from srt_core.select.rule import RULE_VERSION

_LATER = "SELECT sample_id FROM event WHERE event_id > $drawn_at AND sample_id IS NOT NULL"

WAS_UNDECIDED = f"""
    CASE WHEN sample_id IN ({_LATER}) THEN sample_id NOT IN (
        SELECT sample_id FROM ({events.fold(f"sample_id IN ({_LATER})", "drawn_at")}) WHERE kind <> 'park'
    ) ELSE NOT decided END"""
"""Whether a sample was undecided at the draw: the log tells, where anything happened to the sample since."""

_OF_DECISIONS = {"state", "author", "decided", "tag", "note", "because"}
_OF_POLICY = {"winner", "reason", "winner_ranges", "winner_characters"}
_ONE_EACH = ("task", "language", "cluster", "imported")
"""Of these a sample has one alone, so that two filters with no value in common share no sample."""

_PARTS: Mapping[Part, str] = {Part.ALL: "true", Part.KEPT: "origin IS NOT NULL", Part.LEFT_OUT: "origin IS NULL"}


@dataclass(frozen=True, slots=True)
class Population:
    """Samples to draw from, decided or not: a part of those of a filter."""

    part: Part = Part.ALL
    only: Filter = Filter()

    def __post_init__(self) -> None:
        if _is_set(self.only, _OF_DECISIONS):
            raise SRTError(
                "An audit draws from samples whatever was decided on them.",
                "Take the decision out of the filter in Explore.",
            )
        if self.part is Part.ALL and _is_set(self.only, _OF_POLICY):
            raise SRTError(
                "The filter asks what the rule says, which another policy changes.",
                "Draw from what the rule keeps or leaves out, or take the rule out of the filter in Explore.",
            )


def _is_set(only: Filter, names: set[str]) -> bool:
    return any(getattr(only, name) not in ((), "", None) for name in names)


def are_apart(one: Filter, other: Filter) -> bool:
    """Whether two filters cannot have a sample in common, by their values alone."""
    if any(
        getattr(one, name) and getattr(other, name) and not set(getattr(one, name)) & set(getattr(other, name))
        for name in _ONE_EACH
    ):
        return True
    return bool(
        one.characters
        and other.characters
        and (one.characters[1] < other.characters[0] or other.characters[1] < one.characters[0])
    )


@dataclass(frozen=True, slots=True)
class Size:
    """How many samples a population has, and how many of them nobody decided."""

    samples: int
    rest: int


def count_population(store: Store, population: Population) -> Size:
    """Count a population."""
    where, values = condition(store, population)
    sql = f"SELECT count(*) AS samples, count(*) FILTER (NOT decided) AS rest FROM verdict WHERE {where}"
    return Size(**store.rows(sql, values)[0])


def condition(store: Store, population: Population) -> tuple[str, dict[str, object]]:
    """Return the condition over `verdict` of a population, and its parameters, with all up to date."""
    refresh(store)
    member, values = ("true", {}) if is_empty(population.only) else membership(store, population.only)
    return f"{_PARTS[population.part]} AND ({member})", values


def as_drawn(store: Store, audit: Audit) -> tuple[str, dict[str, object]]:
    """Return the same for the population as it was when the audit was drawn, with $drawn_at for WAS_UNDECIDED."""
    where, values = condition(store, Population(audit.part, audit.only))
    return f"seq <= $last_seq AND {where}", {**values, "last_seq": audit.last_seq}


def picks_of(store: Store, part: Part, where: str, values: Mapping[str, object]) -> str:
    """Return the number of samples of a condition over `verdict`, with a hash over them and what the rule keeps.

    Where the population is defined without a policy, the hash is over the samples alone.
    """
    kept = "NULL" if part is Part.ALL else "candidate_id"
    return str(
        store.value(
            f"""SELECT count(*) || ':' || bit_xor(md5_number_lower(concat_ws(' ', sample_id, {kept})))
                FROM verdict WHERE {where}""",
            values,
        )
    )


def holds(store: Store, audit: Audit) -> bool:
    """Whether the population, and what the rule keeps of it where a policy made it, are those of the draw."""
    refresh(store)
    now = selected(store)
    if audit.selected == now:
        return True
    return store.remember(("audit holds", audit.event_id, now), lambda: holds_whole(store, audit))


def holds_whole(store: Store, audit: Audit) -> bool:
    """Return the same, looked up in full."""
    return picks_of(store, audit.part, *as_drawn(store, audit)) == audit.picks


def selected(store: Store) -> str:
    """Name the state of the selection: as long as it stands, no pick has changed."""
    return store.meta("selection_key") or ""


def standing_rule(store: Store) -> dict[str, object]:
    """Name the policy in use and the text of the rule."""
    return {"policy": settings_of(applied_policy(store)), "rule": RULE_VERSION}


def changed() -> SRTError:
    """Say that an audit no longer holds."""
    return SRTError(
        "The policy, the scores or the rewrites changed since the draw, and with them what the rule picks.",
        "The audit says nothing about the picks of now. Draw a new one.",
    )
