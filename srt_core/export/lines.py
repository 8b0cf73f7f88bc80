"""The lines of a file of pairs: a sample each, or a conversation each, and what all of them have in common."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import groupby

from srt_core.export.formats import ExportRow, Layout, LeftOut, Line, Split, kind_of
from srt_core.export.formats.lines import Filling, Kind
from srt_core.importing.files.conversations import user_content
from srt_core.importing.files.shapes.asides import AFTER, BEFORE, CONTENT
from srt_core.importing.files.shapes.names import MESSAGE_FIELDS
from srt_core.project.store import Store
from srt_core.records import Pair, Role, Turn


class Conversations(StrEnum):
    """What a line of a file of pairs is."""

    APART = "apart"
    """One sample in its context."""
    JOINED = "joined"
    """All that is kept of one conversation: the answers of kept exchanges are trained on, the others are not."""


CONTRADICTED = LeftOut("a kept rewrite stands before another kept exchange, which goes on from the original")


def make_lines(
    rows: Iterable[tuple[ExportRow, Split]], conversations: Conversations
) -> Iterator[tuple[Line | LeftOut, Split]]:
    """Yield the lines of rows; where conversations are joined, those of one come one after the other."""
    if conversations is Conversations.APART:
        yield from ((Line((row,)), split) for row, split in rows)
        return
    for (_, split), found in groupby(rows, key=lambda each: (each[0].conversation or each[0].sample_id, each[1])):
        kept = sorted((row for row, _ in found), key=lambda row: len(row.pair.context.turns))
        is_one = all(leads_to(row.pair, kept[-1].pair) for row in kept[:-1])
        yield Line(tuple(kept)) if is_one else CONTRADICTED, split


def leads_to(earlier: Pair, later: Pair) -> bool:
    """Whether an exchange, in its context, stands in the context of a later one as it is."""
    asked = Turn(Role.USER, user_content(earlier.instruction, earlier.input))
    said = (*earlier.context.turns, asked, Turn(Role.ASSISTANT, earlier.response))
    return earlier.context.system == later.context.system and later.context.turns[: len(said)] == said


def has_conversations(store: Store) -> bool:
    """Whether any samples are exchanges of one conversation."""
    return bool(store.value("SELECT EXISTS (FROM sample WHERE conversation IS NOT NULL)"))


def find_layout(
    store: Store,
    samples: str,
    values: Mapping[str, object],
    conversations: Conversations,
    prompts: Filling | None = None,
) -> Layout:
    """Return what the lines of some samples have in common; `samples` is a SELECT of their sample_id."""
    own = store.rows(_OWN.format(samples=samples), values)
    kinds = {row["name"]: kind_of(row["types"]) for row in own}
    columns = {name: kind for name, kind in kinds.items() if kind and (name, kind) != (MESSAGE_FIELDS, Kind.NESTED)}
    first = [row["shown_by"] for row in own if row["name"] in columns]
    beside: dict[str, str] = {}
    if MESSAGE_FIELDS in kinds.keys() - columns.keys():
        found = store.rows(_OF_MESSAGES.format(samples=samples), values)
        beside = {row["name"]: row["shown_by"] for row in found}
        first += beside.values()
    contexts = store.rows(_CONTEXTS.format(samples=samples), values)[0]
    first.append(contexts.pop("shown_by"))
    return Layout(
        columns,
        **contexts,
        has_parts=CONTENT in beside,
        has_calls=bool({BEFORE, AFTER} & beside.keys()),
        is_joined=conversations is Conversations.JOINED,
        first=tuple(dict.fromkeys(each for each in first if each)),
        prompts=prompts,
    )


_OWN = """
    SELECT name, list(DISTINCT kind) AS types, arg_min(sample_id, seq) FILTER (value <> '[]') AS shown_by
    FROM (SELECT seq, sample_id, name, place, json_extract(extra, pointer) AS value, json_type(value) AS type,
                 CASE WHEN type NOT IN ('UBIGINT', 'BIGINT') THEN type
                      WHEN abs(try_cast(value AS DOUBLE)) <= 9007199254740992 THEN 'INTEGER'
                      WHEN try_cast(value AS BIGINT) IS NULL THEN 'HUGEINT' ELSE 'BIGINT' END AS kind
          FROM (SELECT seq, sample_id, extra, unnest(json_keys(extra)) AS name,
                       generate_subscripts(json_keys(extra), 1) AS place,
                       '/' || replace(replace(name, '~', '~0'), '/', '~1') AS pointer
                FROM sample WHERE extra <> '{{}}' AND sample_id IN ({samples})))
    GROUP BY name ORDER BY min(place), name"""
"""The types of the own columns in the order in which they stand, and the first sample that has a value in each."""

_OF_MESSAGES = f"""
    SELECT name, arg_min(sample_id, seq) AS shown_by
    FROM (SELECT seq, sample_id, unnest(json_keys(message)) AS name
          FROM (SELECT seq, sample_id, unnest(json_extract(extra, '$.{MESSAGE_FIELDS}[*]')) AS message
                FROM sample WHERE sample_id IN ({{samples}})))
    GROUP BY name ORDER BY name"""
"""For each field that any message had the first sample that shows it."""

_CONTEXTS = """
    SELECT coalesce(bool_or(starts_with(roles, 'system')), false) AS has_system,
           coalesce(bool_or(roles <> 'system'), false) AS has_turns,
           arg_min(sample_id, seq) FILTER (roles <> 'system') AS shown_by
    FROM context JOIN candidate USING (context_id) JOIN sample USING (sample_id) WHERE sample_id IN ({samples})"""
"""Whether there are system texts and earlier turns, and a sample that has these."""
