"""What an audit draws from: the undecided samples of a filter that the rule keeps, now and as of the draw."""

from collections.abc import Mapping
from dataclasses import replace

from srt_core.errors import SRTError
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter, is_empty, membership
from srt_core.review.trust.audits.log import Audit
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy, settings_of
from srt_core.select.rule import RULE_VERSION

_LATER = "SELECT sample_id FROM event WHERE event_id > $drawn_at AND sample_id IS NOT NULL"

# Whether a sample was undecided at the draw: the log tells, where anything happened to the sample since.
_WAS_UNDECIDED = f"""
    CASE WHEN sample_id IN ({_LATER}) THEN sample_id NOT IN (
        SELECT sample_id FROM ({events.fold(f"sample_id IN ({_LATER})", "drawn_at")}) WHERE kind <> 'park'
    ) ELSE NOT decided END"""


def population(store: Store, only: Filter) -> int:
    """Count what an audit of a filter draws from: samples that nobody decided and that the rule keeps."""
    where, values = condition(store, undecided(only), "NOT decided")
    return int(store.value(f"SELECT count(*) FROM verdict WHERE {where}", values))


def undecided(only: Filter) -> Filter:
    """Take the decision out of a filter: the population is always what nobody decided."""
    if set(only.state) - {"open", "parked"}:
        raise SRTError(
            "An audit draws from samples that nobody decided.", "Take the decision out of the filter in Explore."
        )
    return replace(only, state=())


def condition(store: Store, only: Filter, undecided: str) -> tuple[str, dict[str, object]]:
    """Return the condition over `verdict` of what an audit draws from, and its parameters, with all up to date."""
    refresh(store)
    member, values = ("true", {}) if is_empty(only) else membership(store, only)
    return f"origin IS NOT NULL AND {undecided} AND ({member})", values


def as_drawn(store: Store, audit: Audit) -> tuple[str, dict[str, object]]:
    """Return the same for the population as it was when the audit was drawn."""
    where, values = condition(store, audit.only, f"seq <= $last_seq AND {_WAS_UNDECIDED}")
    return where, {**values, "drawn_at": audit.event_id, "last_seq": audit.last_seq}


def picks_of(store: Store, where: str, values: Mapping[str, object]) -> str:
    """Return the number of samples of a condition over `verdict`, with a hash over them and the rule's picks."""
    return str(
        store.value(
            f"""SELECT count(*) || ':' || bit_xor(md5_number_lower(concat_ws(' ', sample_id, candidate_id)))
                FROM verdict WHERE {where}""",
            values,
        )
    )


def holds_whole(store: Store, audit: Audit) -> bool:
    """Whether the population and every pick of it are those of the draw, looked up in full."""
    return picks_of(store, *as_drawn(store, audit)) == audit.picks


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
