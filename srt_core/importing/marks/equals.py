"""Marks of samples that differ from another in white space and case alone, or in the response alone. All in SQL."""

from collections.abc import Iterator
from threading import Event

from srt_core.importing.marks.mark import Mark, Relation
from srt_core.project.transaction import Transaction
from srt_core.records import Origin

_SPACES = r"[\s\x{85}\x{A0}\x{1680}\x{2000}-\x{200D}\x{2028}\x{2029}\x{202F}\x{205F}\x{2060}\x{3000}\x{FEFF}]+"
"""White space as people see it: no-break spaces and zero-width ones too."""


def plain(text: str) -> str:
    """Return the SQL of a text as it is compared: in lower case, each white space one blank."""
    return f"trim(regexp_replace(lower(nfc_normalize({text})), '{_SPACES}', ' ', 'g'))"


_ASKED = f"[{plain('instruction')}, {plain('input')}, context_id::VARCHAR]"
_ORIGINALS = f"""
    CREATE TEMP TABLE original AS
    SELECT seq, duplicate_of, md5_number({_ASKED}::VARCHAR) AS asked, md5_number({plain("response")}) AS answered
    FROM sample JOIN candidate USING (sample_id)
    WHERE origin = '{Origin.ORIGINAL}' AND trim(instruction || input) <> ''"""
_SAME_BUT_FOR_FORM = """
    CREATE TEMP TABLE related AS
    SELECT seq, 'the same pair as sample ' || earliest || ' but for white space or case' AS detail
    FROM (SELECT seq, duplicate_of, min(seq) OVER (PARTITION BY asked, answered) AS earliest FROM original)
    WHERE seq > earliest AND duplicate_of IS NULL"""
_OTHER_RESPONSES = """
    CREATE TEMP TABLE related AS
    WITH answer AS (SELECT asked, answered, min(seq) AS earliest FROM original GROUP BY ALL),
        several AS (SELECT asked, count(*) - 1 AS others, min(earliest, 2) AS two
                    FROM answer GROUP BY asked HAVING others > 0)
    SELECT seq, 'the same instruction has ' || others || ' other response' || CASE others WHEN 1 THEN '' ELSE 's' END
        || ', as in sample ' || CASE earliest WHEN two[1] THEN two[2] ELSE two[1] END AS detail
    FROM original JOIN answer USING (asked, answered) JOIN several USING (asked)"""


def _relation(found: str) -> Relation:
    def find(work: Transaction, _stop: Event) -> Iterator[int]:
        work.execute(_ORIGINALS)
        work.execute(found)
        yield int(work.execute("SELECT count(*) FROM original")[0][0])

    return find


MARKS = (
    Mark(
        "same_but_for_form",
        "Same but for form",
        "The pair is that of an earlier sample but for white space, line ends or case. Exact duplicates are no mark: "
        "they stand under Problem.",
        relation=_relation(_SAME_BUT_FOR_FORM),
    ),
    Mark(
        "other_responses",
        "Other responses",
        "Other samples have the same instruction, input and context, and another response.",
        relation=_relation(_OTHER_RESPONSES),
    ),
)
