"""The mark of samples that are nearly the same as an earlier one: MinHash signatures over runs of three words.

A signature holds, for each of VALUES hash functions, the least value over a text's runs; two texts agree in as large a
share of the values as they have runs in common (Jaccard; of 120 values the estimate is mostly off by less than 0.04).
Its first values are cut into BANDS of ROWS: samples that agree in a whole band are compared, each with the first and
the nearest earlier one there, so that the work grows with the samples and not with their pairs. For two texts that
share 80 % of their runs the chance that some band agrees is 1 - (1 - 0.8^5)^12 = 99 %.

What stands before a pair counts by itself: two samples are near-duplicates where their pairs are alike, and so are
their contexts. A system text counts as one run, however long: whole sets share one.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from threading import Event
from typing import TYPE_CHECKING, Any

from srt_core.importing.marks.mark import Mark, Original
from srt_core.importing.marks.originals import list_originals, read_originals
from srt_core.project.transaction import Transaction
from srt_core.records import NO_CONTEXT, Context, Pair

if TYPE_CHECKING:
    import numpy as np

LEAST_SHARE = 0.8
"""Of the runs that two samples have, the share that they have in common."""
VALUES = 120
BANDS, ROWS = 12, 5
SEED = 2402
CHUNK = 5_000
COMPARED = 20_000
"""Samples that are compared at a time; each takes about 1 kB."""

_DENSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PLAIN_WORD = re.compile(r"\w+", re.ASCII)
_WORD = re.compile(rf"[{_DENSE}]|[^\W{_DENSE}]+")
"""In scripts that put no space between words each character is one."""
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
"""Odd numbers, one for each place in a run: the order of its words counts."""


def near_duplicates(work: Transaction, stop: Event) -> Iterator[int]:
    """Find the samples of which an earlier one has nearly the same words; see `Relation`."""
    work.execute("CREATE TEMP TABLE related (seq BIGINT, detail VARCHAR)")
    work.execute("CREATE TEMP TABLE signature (seq BIGINT, said BLOB, before BLOB)")
    total = list_originals(work, without_duplicates=True)
    for offset in range(0, total, CHUNK):
        samples = read_originals(work, offset, CHUNK)
        work.append("signature", ["seq", "said", "before"], _signed(samples))
        yield len(samples)
        if stop.is_set():
            return
    for band in range(BANDS):
        _compare_band(work, band)
        yield 0
        if stop.is_set():
            return


def _signed(samples: Sequence[Original]) -> Iterator[tuple[int, bytes, bytes | None]]:
    said = signatures([_words_of_pair(sample.pair) for sample in samples])
    for sample, signature in zip(samples, said, strict=True):
        yield sample.seq, signature, _before(sample.pair.context)


def _words_of_pair(pair: Pair) -> list[str]:
    return _words(f"{pair.instruction}\n{pair.input}\n{pair.response}")


@lru_cache(maxsize=4_096)
def _before(context: Context) -> bytes | None:
    """Return the signature of a context; None for no context."""
    if context == NO_CONTEXT:
        return None
    words = chain.from_iterable(_words(turn.text) for turn in context.turns)
    system = [" ".join(_words(context.system))] if context.system else []
    return signatures([[*system, *words]])[0]


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case; one without words, such as an emoji, is its own."""
    lowered = text.lower()
    return (_PLAIN_WORD if lowered.isascii() else _WORD).findall(lowered) or [lowered]


def signatures(texts: Sequence[Sequence[str]]) -> list[bytes]:
    """Return the signature of each text, given as its words: VALUES unsigned integers of 32 bits."""
    import numpy as np
    from rensa import RMinHash

    hashed = RMinHash.hash_token_sets([list(words) for words in texts])
    lengths = np.fromiter(map(len, hashed), dtype=np.int64, count=len(hashed))
    words = np.fromiter(chain.from_iterable(hashed), dtype=np.uint64, count=int(lengths.sum()))
    runs, offsets = _runs(words, lengths)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(runs, offsets, VALUES, SEED)
    return [np.asarray(row, dtype=np.uint32).tobytes() for row in matrix.to_rows()]


def _runs(words: "np.ndarray[Any, Any]", lengths: "np.ndarray[Any, Any]") -> tuple[Any, Any]:
    """Return the hashes of the runs of three words of all texts, and where each text's begin.

    A text of fewer words is one run.
    """
    import numpy as np

    longest = len(_MULTIPLIERS)
    padded = np.concatenate([words, np.zeros(longest, dtype=np.uint64)])
    ends = np.cumsum(lengths)
    left = np.repeat(ends, lengths) - np.arange(len(words))  # words from this one to the end of its text
    hashes = np.zeros(len(words), dtype=np.uint64)
    for place, multiplier in enumerate(_MULTIPLIERS):
        word = np.where(left > place, padded[place : place + len(words)], np.uint64(0))
        hashes = (hashes ^ word) * np.uint64(multiplier)
        hashes ^= hashes >> np.uint64(31)
    is_first = left == np.repeat(lengths, lengths)
    kept = (left >= longest) | is_first
    counts = np.maximum(lengths - longest + 1, np.minimum(lengths, 1))
    return hashes[kept], np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)


def _compare_band(work: Transaction, band: int) -> None:
    """Compare samples that agree in a band, and add those that are near-duplicates to `related`."""
    first, last = 4 * ROWS * band + 1, 4 * ROWS * (band + 1)
    cut = f"hash(array_slice(said, {first}, {last}), array_slice(before, {first}, {last}))"
    work.execute(
        f"""CREATE OR REPLACE TEMP TABLE together AS
            SELECT seq, earliest, nearest FROM (
                SELECT seq, first_value(seq) OVER same AS earliest, lag(seq) OVER same AS nearest
                FROM (SELECT seq, {cut} AS cut FROM signature)
                WINDOW same AS (PARTITION BY cut ORDER BY seq))
            WHERE nearest IS NOT NULL AND seq NOT IN (SELECT seq FROM related)"""
    )
    total = work.execute("SELECT count(*) FROM together")[0][0]
    for offset in range(0, total, COMPARED):
        rows = work.execute(
            """SELECT seq, other, mine.said, theirs.said, mine.before, theirs.before
               FROM (SELECT DISTINCT seq, unnest([earliest, nearest]) AS other FROM together
                     WHERE rowid >= ? AND rowid < ?)
                   JOIN signature AS mine USING (seq) JOIN signature AS theirs ON theirs.seq = other""",
            [offset, offset + COMPARED],
        )
        work.append("related", ["seq", "detail"], _alike(rows))


def _alike(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, str]]:
    """Return the samples of compared ones that are near-duplicates, each with the one that it is most like."""
    import numpy as np

    shares = np.minimum(
        _shares([row[2] for row in rows], [row[3] for row in rows]),
        _shares([row[4] for row in rows], [row[5] for row in rows]),
    )
    best: dict[int, tuple[float, int]] = {}
    for (seq, other, *_), share in zip(rows, shares.tolist(), strict=True):
        if share >= LEAST_SHARE:
            best[seq] = max(best.get(seq, (0.0, 0)), (share, -other))
    return [(seq, f"about {share:.0%} the same words as sample {-other}") for seq, (share, other) in best.items()]


def _shares(mine: Sequence[bytes | None], theirs: Sequence[bytes | None]) -> "np.ndarray[Any, Any]":
    """Return the share of values in which signatures agree, from 0 to 1; of two that are not there 1."""
    import numpy as np

    nothing = bytes(4 * VALUES)
    one, other = (
        np.frombuffer(b"".join(each or nothing for each in sides), dtype=np.uint32).reshape(-1, VALUES)
        for sides in (mine, theirs)
    )
    shares: np.ndarray[Any, Any] = np.mean(one == other, axis=1)
    return shares


OTHER = "regexp_extract(detail, '[0-9]+$')::BIGINT"
"""The SQL of the number of the sample that a near-duplicate is most like, of its row in `mark`."""

MARKS = (
    Mark(
        "near_duplicate",
        "Near-duplicate",
        "An earlier sample has nearly the same words, in the pair and in what stands before it. The share is an "
        "estimate.",
        relation=near_duplicates,
    ),
)
