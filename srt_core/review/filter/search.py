"""Full text: which samples hold a text, in any version or in the context, looked for once and kept in memory.

Candidates are written once and only added to, so what was found stays found, and a text that was looked for before is
looked for in what was added since. The finds stand in memory (`found`), where every filter joins them.
"""

import json
import re

from srt_core.errors import SRTError
from srt_core.project.store import SCRATCH, Store
from srt_core.project.transaction import Transaction

MOST_CHARACTERS = 100_000
KEPT = 12
"""Texts whose finds are kept, the latest used; a find takes 12 bytes."""
IN_USE_SECONDS = 60
"""What was used a moment ago is not forgotten: a page may be about to read it."""

FOUND = f"""seq IN (
    SELECT seq FROM {SCRATCH}.found WHERE search = (SELECT search FROM {SCRATCH}.searched WHERE text = $text))"""
"""The condition of a filter on $text, over any relation that has a sample's seq. `find` must come before it."""

_TABLES = f"""
    CREATE SEQUENCE IF NOT EXISTS {SCRATCH}.searches;
    CREATE TABLE IF NOT EXISTS {SCRATCH}.searched (
        search INTEGER NOT NULL DEFAULT nextval('{SCRATCH}.searches'), text VARCHAR NOT NULL, until BIGINT NOT NULL,
        used_at TIMESTAMP NOT NULL);
    CREATE TABLE IF NOT EXISTS {SCRATCH}.found (search INTEGER NOT NULL, seq BIGINT NOT NULL);
"""
_LOOK = f"""
    INSERT INTO {SCRATCH}.found
    SELECT $search, seq FROM sample WHERE sample_id IN (
        SELECT sample_id FROM candidate
        WHERE candidate_id > $until
          AND (regexp_matches(response, $literal, 'i') OR regexp_matches(instruction, $literal, 'i')
               OR regexp_matches(input, $literal, 'i')
               OR context_id IN (
                   SELECT context_id FROM context
                   WHERE regexp_matches(messages, $escaped, 'i') AND len(list_filter(
                       json_extract_string(messages, '$[*].content'),
                       lambda said: regexp_matches(said, $literal, 'i'))) > 0)))
    EXCEPT SELECT * FROM {SCRATCH}.found WHERE search = $search
"""


def find(store: Store, text: str) -> None:
    """Look for `text`, in capitals or not, in every candidate, and its context, that it was not looked for in yet.

    SRTError for a text of more than MOST_CHARACTERS.
    """
    if len(text) > MOST_CHARACTERS:
        raise SRTError(f"A text of {len(text):,} characters is too long to look for.", "Look for a part of it.")
    with store.scratch() as scratch:
        scratch.execute(_TABLES)
        search, until = _begun(scratch, text)
        newest = scratch.execute("SELECT coalesce(max(candidate_id), 0) FROM candidate")[0][0]
        if newest > until:
            # An expression without wildcards: it folds case as it goes, which takes two thirds of lowering every text.
            # A context is looked for as it stands in JSON first: few have to be taken apart.
            escaped = json.dumps(text, ensure_ascii=False)[1:-1]
            words = {"literal": re.escape(text), "escaped": re.escape(escaped)}
            scratch.execute(_LOOK, {"search": search, "until": until, **words})
        scratch.execute(
            f"UPDATE {SCRATCH}.searched SET until = ?, used_at = timezone('UTC', now()) WHERE search = ?",
            [newest, search],
        )
        _forget(scratch)


def _begun(scratch: Transaction, text: str) -> tuple[int, int]:
    """Return the number of a text's search and the candidate up to which it went."""
    known = scratch.execute(f"SELECT search, until FROM {SCRATCH}.searched WHERE text = ?", [text])
    if not known:
        known = scratch.execute(
            f"""INSERT INTO {SCRATCH}.searched (text, until, used_at) VALUES (?, 0, timezone('UTC', now()))
               RETURNING search, until""",
            [text],
        )
    return known[0][0], known[0][1]


def _forget(scratch: Transaction) -> None:
    old = scratch.execute(
        f"""SELECT search FROM (FROM {SCRATCH}.searched ORDER BY used_at DESC OFFSET ?)
           WHERE used_at < timezone('UTC', now()) - to_seconds(?)""",
        [KEPT, IN_USE_SECONDS],
    )
    for (search,) in old:
        scratch.execute(f"DELETE FROM {SCRATCH}.found WHERE search = ?", [search])
        scratch.execute(f"DELETE FROM {SCRATCH}.searched WHERE search = ?", [search])
