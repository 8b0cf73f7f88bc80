"""Records of rows: made by the names of the columns, or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from srt_core.project.store import Store
from srt_core.records import Origin, Pair

PAIR = "{'instruction': 'x', 'response': 'y', 'input': '', 'context': NULL}"


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of each kind that a column can become."""

    number: int
    origin: Origin | None
    pair: Pair | None
    takes: Mapping[Origin, int | None]
    context: Mapping[str, object]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Numbered(Shown):
    """The same with a field more."""

    seq: int


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty project."""
    with Store.create(tmp_path / "p.srt") as store:
        yield store


def columns(origin: str = "'BOTH'", pair: str = PAIR) -> str:
    return f"""['b', 'a'] AS names, 3 AS number, {origin} AS origin, {pair} AS pair,
               {{'BOTH': 7, 'ORIGINAL': NULL}} AS takes, '{{"bulk": "all"}}'::JSON AS context"""


def test_a_record_is_made_by_the_names_of_its_columns(store: Store) -> None:
    """Enums, pairs, mappings and tuples are made of values, structs, JSON and lists, in whatever order they come."""
    (found,) = store.read(Shown, f"SELECT {columns()}")
    assert found == Shown(3, Origin.BOTH, Pair("x", "y"), {Origin.BOTH: 7, Origin.ORIGINAL: None}, {"bulk": "all"},
                          ("b", "a"))  # fmt: skip
    assert isinstance(found.origin, Origin) and all(isinstance(origin, Origin) for origin in found.takes)
    assert store.find(Numbered, f"SELECT {columns()}, 9 AS seq") == Numbered(
        3, Origin.BOTH, Pair("x", "y"), found.takes, found.context, found.names, 9
    )


def test_what_may_be_none_is_none_where_the_column_is_null(store: Store) -> None:
    """A NULL becomes None, whatever the field would be made of."""
    found = store.find(Shown, f"SELECT {columns('NULL', 'NULL')}")
    assert found and found.origin is None and found.pair is None
    assert store.find(Shown, f"SELECT {columns()} WHERE false") is None


@pytest.mark.parametrize("sql", ["SELECT 3 AS number", f"SELECT {columns()}, 9 AS seq"])
def test_a_column_that_is_missing_or_too_many_is_an_error(store: Store, sql: str) -> None:
    """A renamed column is told at once, before any row is read as something else."""
    with pytest.raises(TypeError, match="number, origin, pair"):
        store.read(Shown, sql)
    with pytest.raises(ValueError, match="'LEFT'"):
        store.read(Shown, f"SELECT {columns(chr(39) + 'LEFT' + chr(39))}")
