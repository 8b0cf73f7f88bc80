"""The derived tables: `panel`, `selection`, defined for a list of measures.

They can be computed again at any time. Their columns follow from the measures that there are, so that a measure needs
none typed by hand; which candidates and which policy they are of is the business of srt_core.select.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources

from srt_core.records import REWRITTEN_ORIGINS, Measure, Origin, Source, Subject

UNDEFINE = "DROP VIEW IF EXISTS verdict; DROP TABLE IF EXISTS panel; DROP TABLE IF EXISTS selection;"


def panel_columns(measures: Iterable[Measure]) -> dict[str, str]:
    """Return the columns of `panel` with their types: one row a sample with the candidates that may be taken."""
    return {
        "seq": "BIGINT NOT NULL",
        "sample_id": "VARCHAR NOT NULL",
        **{f"{origin.lower()}_id": "BIGINT" for origin in Origin},
        **{f"has_{origin.lower()}": "BOOLEAN NOT NULL" for origin in REWRITTEN_ORIGINS},
        **{f"failed_{origin.lower()}": "BOOLEAN NOT NULL" for origin in REWRITTEN_ORIGINS},
        **{column: _kind(measure) for measure in measures for column in _columns(measure)},
        "unscored": "INTEGER NOT NULL",  # candidates without an IFD or an r-IFD
        "truncated": "BOOLEAN NOT NULL",
    }


def selection_columns(measures: Iterable[Measure]) -> dict[str, str]:
    """Return the columns of `selection` with their types: one row a sample, what the applied policy says of it."""
    return {
        "seq": "BIGINT NOT NULL",
        "sample_id": "VARCHAR NOT NULL",
        "winner": "VARCHAR NOT NULL",
        "winner_id": "BIGINT NOT NULL",
        "origin": "VARCHAR",
        "candidate_id": "BIGINT",  # what is kept: the winner, or none
        "reason": "VARCHAR NOT NULL",
        **{f"winner_{measure.name}": _kind(measure) for measure in measures},
        "closeness": "DOUBLE",  # the smallest change of one limit that changes what is kept, in the limit's unit
        "closest": "VARCHAR",  # that limit: a margin, a guard or the top share
    }


def define(measures: Sequence[Measure]) -> str:
    """Return the statements that make the derived tables, empty, and the views: they may read other columns now."""
    tables = {"panel": panel_columns(measures), "selection": selection_columns(measures)}
    made = [
        f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())});"
        for table, columns in tables.items()
    ]
    return "\n".join([*made, views()])


def views() -> str:
    """Return the statements that make the views and macros."""
    return resources.files(__package__).joinpath("views.sql").read_text(encoding="utf-8")


def _columns(measure: Measure) -> Iterator[str]:
    if measure.subject is Subject.SAMPLE:
        yield measure.name
    yield from (f"{origin.lower()}_{measure.name}" for origin in measure.origins)


def _kind(measure: Measure) -> str:
    return "INTEGER" if measure.source is Source.LENGTH else "DOUBLE"
