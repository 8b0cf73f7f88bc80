"""The verdict on a sample: what the rule says of it, and above that what a person decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from srt_core.methods import MEASURES
from srt_core.project.store import Store
from srt_core.records import Action, Origin, Selection
from srt_core.select.derive import refresh

RANGES = tuple(measure.name for measure in MEASURES.values() if measure.is_filter)
"""What a filter bounds, of the winner or of one origin that has it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands for a sample under the applied policy and the scoring in use."""

    seq: int
    sample_id: str
    selection: Selection
    pick_id: int | None
    """The very candidate that the rule keeps; None where it leaves the sample out."""
    closeness: float | None
    """The smallest change of one limit of the policy that changes what is kept; None where none does."""
    closest: str | None
    """That limit: instruction_margin, response_margin, a guard's name or top_share."""
    original: Mapping[str, float | None]
    """What the original measures: its scores, and the characters of its response."""
    winner: Mapping[str, float | None]
    """What the candidate measures that won the rule's comparisons."""
    takes: Mapping[Origin, int | None]
    """The candidates that the policy may take."""
    event_id: int | None
    """The decision that stands; None where nobody decided, then so are `action`, `author` and `made_at`."""
    action: Action | None
    author: str | None
    made_at: datetime | None
    origin: Origin | None
    """What is exported: the version decided for, else the rule's pick; None for nothing, as of what is parked."""
    candidate_id: int | None
    decided: bool
    """Whether a person decided; a parked sample is still open."""
    approved: bool


# Every filter reads this one relation, so a count, a page and a bulk action can never mean different rows. What stands
# in other tables is asked for by seq or sample_id, so that only the filter that needs it pays for it.
ROWS = "(SELECT verdict.*, panel.* EXCLUDE (seq, sample_id) FROM verdict JOIN panel USING (seq))"


def _struct(name: str, columns: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{key}': {column}" for key, column in columns.items()) + "} AS " + name


_OF_ORIGINAL = [measure.name for measure in MEASURES.values() if Origin.ORIGINAL in measure.origins]

COLUMNS = f"""
    seq, sample_id, {_struct("selection", {name: name for name in ("winner", "origin", "reason")})},
    rows.candidate_id AS pick_id, closeness, closest,
    {_struct("original", {name: f"original_{name}" for name in _OF_ORIGINAL})},
    {_struct("winner", {name: f"winner_{name}" for name in MEASURES})},
    {_struct("takes", {str(origin): f"{origin.lower()}_id" for origin in Origin})},
    event_id, action, author, made_at, verdict_origin AS origin, verdict_id AS candidate_id, decided, approved"""
"""The columns of a Verdict, of ROWS under the name `rows`."""


def read_verdict(store: Store, sample: str) -> Verdict | None:
    """Read the verdict on a sample, with everything up to date; None if the sample is not there."""
    return read_verdicts(store, [sample]).get(sample)


def read_verdicts(store: Store, samples: Sequence[str]) -> dict[str, Verdict]:
    """Read the verdicts on samples by their ids, with everything up to date; those that are not there are not in it."""
    refresh(store)
    found = store.rows("SELECT seq FROM sample WHERE sample_id IN (SELECT unnest(?::VARCHAR[]))", [list(samples)])
    if not found:
        return {}
    # As numbers in the statement, so that most rows are not read.
    numbers = ", ".join(str(row["seq"]) for row in found)
    read = store.read(Verdict, f"SELECT {COLUMNS} FROM {ROWS} AS rows WHERE seq IN ({numbers})")
    return {verdict.sample_id: verdict for verdict in read}


def seq_of(store: Store, sample: str) -> int | None:
    """Find a sample's number; None if it is not there."""
    found: int | None = store.value("SELECT seq FROM sample WHERE sample_id = ?", [sample])
    return found
