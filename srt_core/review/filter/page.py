"""One page of a filter's samples, in one of several orders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from srt_core.errors import SRTError
from srt_core.methods import MEASURES, REASONS
from srt_core.project.candidates import PAIR
from srt_core.project.store import Store
from srt_core.records import Action, Measure, Origin, Pair, Reason, Source
from srt_core.review.filter.filter import Filter, filter_condition
from srt_core.review.verdicts import COLUMNS, ROWS, Verdict

_NONE = "'inf'::DOUBLE"
_ACTIONS = ", ".join(
    f"'{action}'" for action in (Action.APPROVE, Action.CHOOSE, Action.EDIT, Action.REJECT, Action.RETRACT, Action.PARK)
)
_OUTCOMES = ", ".join(f"'{each}'" for each in (*reversed(Origin), *(each for each in REASONS if each != Reason.KEPT)))
_OUTCOME = f"coalesce(list_position([{_OUTCOMES}], coalesce(origin, reason)), 99)"
_DECISION = f"coalesce(list_position([{_ACTIONS}], action), 99)"


def _sorts() -> Iterator[tuple[str, str]]:
    yield "number", "seq"
    yield "number, high first", "-seq"
    yield "closest to a limit", f"coalesce(closeness, {_NONE})"
    yield "decision, decided first", _DECISION
    yield "decision, open first", f"-{_DECISION}"
    yield "what the rule says, kept first", _OUTCOME
    yield "what the rule says, left out first", f"-{_OUTCOME}"
    yield "instruction, A to Z", "(SELECT lower(instruction) FROM candidate WHERE candidate_id = original_id)"
    for measure in MEASURES.values():
        if measure.is_filter:
            column, label = f"winner_{measure.name}", order_label(measure)
            yield f"{label} of the winner, low first", f"coalesce({column}, {_NONE})"
            yield f"{label} of the winner, high first", f"coalesce(-{column}, {_NONE})"
    yield "longest original response", "-original_characters"


def order_label(measure: Measure) -> str:
    """Return a measure as the name of an order has it."""
    return measure.label if measure.source is Source.SCORE else measure.label.lower()


SORTS: Mapping[str, str] = dict(_sorts())
"""By name, what an order ranks by: SQL over ROWS, the lowest first, then by number."""
MOST_SIMILAR = "most similar first"


def orders(only: Filter) -> Mapping[str, str]:
    """Return the orders that a filter's samples can stand in: SORTS, and nearness where it asks for similar ones."""
    return {MOST_SIMILAR: "list_position($similar::BIGINT[], seq)", **SORTS} if only.similar else SORTS


@dataclass(frozen=True, slots=True)
class Listed(Verdict):
    """A verdict with the original pair that it is on."""

    pair: Pair


def read_page(store: Store, only: Filter, sort: str, limit: int, offset: int) -> list[Listed]:
    """Read one page of a filter: numbers from the panel, texts of the page's rows alone."""
    where, values = filter_condition(store, only)
    rank = _rank(only, sort)
    chosen = store.rows(
        f"""SELECT seq, original_id FROM {ROWS} WHERE {where} ORDER BY {rank}, seq LIMIT $limit OFFSET $offset""",
        {**values, "limit": limit, "offset": offset},
    )
    # Found first and read then: a join on the way to the order would carry every column of every sample.
    seqs, originals = ([row[name] for row in chosen] for name in ("seq", "original_id"))
    return store.read(
        Listed,
        f"""SELECT {COLUMNS}, text.pair
            FROM {ROWS} AS rows JOIN (
                SELECT candidate_id, {PAIR} FROM pair
                WHERE candidate_id IN (SELECT unnest($originals))) AS text
            ON text.candidate_id = rows.original_id
            WHERE rows.seq IN (SELECT unnest($seqs)) ORDER BY list_position($seqs, rows.seq)""",
        {"seqs": seqs, "originals": originals},
    )


def _rank(only: Filter, sort: str) -> str:
    known = orders(only)
    if sort not in known:
        raise SRTError(f"There is no sort order {sort}.", f"Choose from: {', '.join(known)}.")
    return known[sort]
