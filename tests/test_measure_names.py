"""A method's measure has a name that every statement can be generated with, or its registration says why not."""

import duckdb
import pytest

from srt_core.methods import MEASURES, check_name
from srt_core.methods.sql_words import SQL_WORDS
from srt_core.records import Measure, Subject
from srt_core.select.rule import check_columns


def measure(name: str, subject: Subject = Subject.CANDIDATE) -> Measure:
    return Measure(name, name, "A measure.", "", subject)


def test_the_words_of_sql_are_those_of_the_database() -> None:
    """The list is what DuckDB says cannot be a column without quotes."""
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
        ).fetchall()
    assert {name for (name,) in rows} == SQL_WORDS


@pytest.mark.parametrize("name", ["both", "select", "order", "left"])
def test_a_word_of_sql_is_no_name(name: str) -> None:
    """It is refused when it is registered, and not by a statement later."""
    with pytest.raises(ValueError, match=f"'{name}' cannot name a measure, .*: it is a word of SQL"):
        check_name(name)


@pytest.mark.parametrize("name", ["Words", "two words", "1st", "", "top_share"])
def test_what_is_no_column_is_no_name(name: str) -> None:
    """Names are lower-case letters, digits and underscores, and not those of a policy's options."""
    with pytest.raises(ValueError, match="cannot name a measure, a guard or a reason: "):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "subject", "column"),
    [
        ("id", Subject.CANDIDATE, "both_id"),
        ("margin", Subject.REWRITE, "instruction_margin"),
        ("taken", Subject.CANDIDATE, "both_taken"),
        ("winner", Subject.SAMPLE, "winner"),
        ("seq", Subject.SAMPLE, "seq"),
        ("closeness", Subject.SAMPLE, "closeness"),
    ],
)
def test_a_column_of_the_rule_is_not_taken_over(name: str, subject: Subject, column: str) -> None:
    """A measure whose column the rule or its tables have already would change what they decide."""
    with pytest.raises(ValueError, match=f"'{name}' cannot name a measure: the rule has a column {column} of its own"):
        check_columns([measure(name, subject)])


def test_other_names_are_free() -> None:
    """What only looks like one of these is a measure like any other; those that are registered pass."""
    free = [measure("bothness"), measure("winner"), measure("variety", Subject.SAMPLE)]
    for each in (*free, *MEASURES.values()):
        check_name(each.name)
    check_columns(free)
