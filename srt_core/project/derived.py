"""The derived tables: `panel`, `selection` and the view over what people decided, defined for a list of measures.

They can be computed again at any time. Their columns follow from the measures that there are, so that a measure needs
none typed by hand; which candidates and which policy they are of is the business of srt_core.select.
"""

from collections.abc import Iterable, Iterator, Sequence

from srt_core.records import REWRITTEN_ORIGINS, Measure, Origin, Source, Subject

UNDEFINE = "DROP VIEW IF EXISTS verdict; DROP TABLE IF EXISTS panel; DROP TABLE IF EXISTS selection;"

# The human decision where there is one, else the selection. A parked sample is still open.
_VERDICT = """
CREATE VIEW verdict AS
SELECT selection.*, standing.event_id, standing.action, standing.author, standing.made_at,
       CASE WHEN standing.action IN ('approve', 'choose', 'edit') THEN standing.origin
            WHEN standing.action = 'reject' THEN NULL
            ELSE selection.origin END AS verdict_origin,
       CASE WHEN standing.action IN ('approve', 'choose', 'edit') THEN standing.candidate_id
            WHEN standing.action = 'reject' THEN NULL
            ELSE selection.candidate_id END AS verdict_id,
       coalesce(standing.action IN ('approve', 'choose', 'edit', 'reject'), false) AS decided,
       coalesce(standing.action IN ('approve', 'choose', 'edit'), false) AS approved
FROM selection LEFT JOIN standing USING (seq)"""


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
        "closeness": "DOUBLE",  # the smallest distance to a limit that decided, in the limit's unit
    }


def define(measures: Sequence[Measure]) -> str:
    """Return the statements that make the derived tables, empty."""
    tables = {"panel": panel_columns(measures), "selection": selection_columns(measures)}
    made = [
        f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())});"
        for table, columns in tables.items()
    ]
    return "\n".join([*made, _VERDICT])


def _columns(measure: Measure) -> Iterator[str]:
    if measure.subject is Subject.SAMPLE:
        yield measure.name
    yield from (f"{origin.lower()}_{measure.name}" for origin in measure.origins)


def _kind(measure: Measure) -> str:
    return "INTEGER" if measure.source is Source.LENGTH else "DOUBLE"
