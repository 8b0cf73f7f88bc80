"""Find what does not hold in a project file that has to: each rule is a statement that finds the rows which break it.

Everything is counted in SQL, so that memory does not grow with the project; a text whose hash differs there is hashed
once more by the function that made the hash.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from srt_core.errors import ProjectError
from srt_core.project.candidates import pair_hash, pair_of
from srt_core.project.creation import table_columns
from srt_core.project.progress import Progress
from srt_core.project.store import Store

SHOWN = 5
"""How many of the rows that break a rule are named."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that does not hold: in how many rows (None: not known), and the first of them."""

    text: str
    number: int | None = None
    examples: Sequence[str] = ()

    def __str__(self) -> str:
        counted = "" if self.number is None else f" ({self.number:,}"
        named = ": " + ", ".join(self.examples) if self.examples else ""
        more = ", …" if self.number is not None and self.number > len(self.examples) > 0 else ""
        return self.text + (f"{counted}{named}{more})" if counted else named)


@dataclass(frozen=True, slots=True)
class Check:
    """A rule: what is looked at, and how its faults are found."""

    about: str
    find: Callable[[Store], Iterable[Fault]]


def check(store: Store, checks: Sequence[Check], faults: list[Fault]) -> Iterator[Progress]:
    """Walk the checks of a project and add what is found to `faults`.

    What cannot be read is a fault too, and the other checks go on. Where a table or column is not there, nothing
    else is looked at.
    """
    progress = Progress("checks", total=len(checks) + 1)
    yield progress.moved(0, message="tables and columns")
    faults += [Fault(notice) for notice in store.notices]
    missing = _missing_columns(store)
    if missing:
        faults.append(Fault("columns are missing or of another type; nothing else was checked", len(missing), missing))
        return
    for each in checks:
        progress = progress.moved(1, message=each.about)
        yield progress
        try:
            faults += each.find(store)
        except ProjectError as error:
            faults.append(Fault(f"{each.about}: cannot be checked. {error.message}"))
    yield progress.moved(1)


def rule(about: str, text: str, sql: str, values: Mapping[str, object] | None = None) -> Check:
    """Return the check that a SELECT finds no row; its column `found` names each that it finds."""
    counted = f"SELECT count(*) AS number, coalesce(min(found::VARCHAR, {SHOWN}), []) AS examples FROM ({sql})"

    def find(store: Store) -> Iterator[Fault]:
        found = store.rows(counted, values or {})[0]
        if found["number"]:
            yield Fault(text, found["number"], found["examples"])

    return Check(about, find)


def differing(table: str, columns: Mapping[str, str], computed: str) -> str:
    """Return the SELECT of the rows, by `seq`, in which a table is not what is computed.

    `columns` are those of the table, with their types.
    """
    typed = ", ".join(f"{name}::{kind.removesuffix(' NOT NULL')} AS {name}" for name, kind in columns.items())
    return f"""
        SELECT coalesce(stored.seq, computed.seq) AS found
        FROM (SELECT seq, hash(each) AS content FROM (SELECT {typed} FROM {table}) AS each) AS stored
        FULL JOIN (SELECT seq, hash(each) AS content FROM (SELECT {typed} FROM ({computed})) AS each) AS computed
            USING (seq)
        WHERE stored.content IS DISTINCT FROM computed.content"""


def _missing_columns(store: Store) -> list[str]:
    found = {(row["table_name"], row["column_name"], row["data_type"]) for row in store.rows(_COLUMNS)}
    return sorted(f"{table}.{column}" for table, column, kind in set(table_columns()) - found)


_COLUMNS = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"


PAIR_TEXT = "'[' || concat_ws(', ', {}) || ']'".format(
    ", ".join(f"to_json({part})::VARCHAR" for part in ("instruction", "input", "response", "nullif(context, '')"))
)
"""The text of a pair that `pair_hash` hashes. JSON writes some control characters in another way."""


def texts(about: str, text: str, sql: str) -> Check:
    """Return the check that pairs are those whose hash is stored.

    The SELECT has the pair's parts, its hash in `pair_hash`, and `found`.
    """
    suspects = f"SELECT * FROM ({sql}) WHERE pair_hash IS DISTINCT FROM substr(sha256({PAIR_TEXT}), 1, 16)"

    def find(store: Store) -> Iterator[Fault]:
        rows = (row for chunk in store.stream(suspects) for row in chunk)
        wrong = (str(row["found"]) for row in rows if _is_another(row))
        examples = list(islice(wrong, SHOWN))
        if examples:
            yield Fault(text, len(examples) + sum(1 for _ in wrong), examples)

    return Check(about, find)


def _is_another(row: dict[str, object]) -> bool:
    return row["instruction"] is None or pair_hash(pair_of(row)) != row["pair_hash"]
