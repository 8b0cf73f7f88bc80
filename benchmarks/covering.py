"""Coverage ranks: how long, in how much memory, and how far blocks fall behind the exact greedy choice.

    python -m benchmarks.covering whole FILE [--samples 1000000] [--keep 10000]   a made-up project, ranked whole
    python -m benchmarks.covering gap FILE [--keep 311]    what a project leaves: blocks against one block

Vectors of the made-up project are 2,000 centres with noise of half their size around each. The gap is told in what is
left over, 1 minus the likeness to the nearest chosen one, added over all: of the paper's kernel every likeness is near
1, so that a share of the value itself would say nothing.
"""

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.select import selection
from srt_core.select.covering import cover
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from srt_core.vectors.encodings import encoding_in_use
from srt_core.vectors.facility import apart, blocks, locate
from srt_core.vectors.reading import Vectors, reading

DIMENSIONS = 384
CENTRES = 2_000
_CHUNK = 50_000


def build(path: Path, samples: int) -> None:
    """Create a project of so many originals with a score and a vector each."""
    with Store.create(path) as store:
        with store.transaction() as tx:
            tx.execute("INSERT INTO import (path, sha256, format, options, finished) VALUES ('', '', '', '{}', true)")
            tx.execute("INSERT INTO producer (producer, kind) VALUES ('made up', 'file')")
            tx.execute(
                "INSERT INTO encoding (encoder, fingerprint, recipe, dimensions) VALUES ('made up', 'f', 'pair', ?)",
                [DIMENSIONS],
            )
            tx.execute("INSERT INTO meta VALUES ('scoring_id', '1'), ('encoding_id', '1')")
            tx.execute(
                """INSERT INTO scoring (student, fingerprint, dtype, template, template_hash, template_texts,
                                        convention, max_length)
                   VALUES ('made up', 'f', 'float32', 'alpaca', 'h', '{}', 'aligned', 2048)"""
            )
        for first in range(0, samples, _CHUNK):
            values = {"first": first, "last": min(first + _CHUNK, samples)}
            of = "FROM range($first, $last) AS made(i)"
            with store.transaction() as tx:
                tx.execute(
                    f"""INSERT INTO sample (seq, sample_id, import_id, "row", extra)
                        SELECT i + 1, 's' || i, 1, i + 1, '{{}}' {of}""",
                    values,
                )
                tx.execute(
                    f"""INSERT INTO candidate (candidate_id, sample_id, origin, producer, instruction, input, response)
                        SELECT i + 1, 's' || i, 'ORIGINAL', 'made up', 'Do ' || i, '', 'Done.' {of}""",
                    values,
                )
                tx.execute(
                    f"""INSERT INTO score (scoring_id, candidate_id, tokens_y, tokens_x, ifd, r_ifd, status)
                        SELECT 1, i + 1, 1, 1, (hash(i) % 1000) / 1000.0, 0.5, 'ok' {of}""",
                    values,
                )
                tx.execute(
                    f"""INSERT INTO vector SELECT 1, i + 1, '' || i, list_transform(range({DIMENSIONS}), lambda j:
                            (hash(i % {CENTRES}, j) % 2001) / 1000.0 - 1
                            + 0.5 * ((hash(i, j, 7) % 2001) / 1000.0 - 1))::FLOAT[], 'ok' {of}""",
                    values,
                )
        with store.transaction() as tx:
            tx.bump()


def whole(path: Path, samples: int, keep: int) -> None:
    """Rank a made-up project and take a diverse share."""
    if not path.exists():
        began = time.monotonic()
        build(path, samples)
        print(f"made in {time.monotonic() - began:.0f} s, {path.stat().st_size / 1e9:.1f} GB")
    before = _peak()
    with Store.open(path) as store:
        share = 100 * keep / samples
        policy = Policy("few", require_response_reflection=False, diverse_share=share).limited(
            max_ifd=1.0, max_r_ifd=None
        )
        selection.apply(store, policy, "benchmark")
        began = time.monotonic()
        last = began
        for progress in cover(store, policy):
            if progress.message != "Ranking" or time.monotonic() - last > 30:
                last = time.monotonic()
                print(
                    f"{last - began:7.1f} s  {progress.done:>9,} {progress.message}, peak {_peak():,.0f} MB", flush=True
                )
        ranked = time.monotonic()
        refresh(store, now=True)
        kept = store.value("SELECT count(*) FROM selection WHERE origin IS NOT NULL")
        print(f"ranked in {ranked - began:.0f} s, selected in {time.monotonic() - ranked:.0f} s: {kept:,} kept")
        print(f"peak {_peak():,.0f} MB, {before:,.0f} before")


def gap(path: Path, keep: int) -> None:
    """Hold the choice by blocks against the exact greedy one, and both against a random one."""
    with Store.open(path) as store:
        encoding = encoding_in_use(store)
        if encoding is None:
            raise SystemExit("srt encode first")
        refresh(store, now=True)
        rule = selection.rule_of(
            store, Policy(applied_policy(store).name, require_response_reflection=False, limits=())
        )
        sql = f"""SELECT seq AS key, vector FROM ({rule.sql}) AS kept JOIN vector USING (candidate_id)
                  WHERE encoding_id = {encoding.encoding_id} AND vector IS NOT NULL"""
        with reading(store, sql, rule.values, encoding.dimensions) as vectors:
            points = np.asarray(vectors.points[np.arange(len(vectors.keys))], dtype=float)
            far = apart(points)
            began = time.monotonic()
            exact = locate(far, keep).order
            print(f"{len(points):,} points, {keep:,} chosen, {encoding.encoder}: one block in "
                  f"{time.monotonic() - began:.1f} s")  # fmt: skip
            least = _left(far, exact)
            draw = np.random.default_rng(0)
            random = float(np.mean([_left(far, draw.choice(len(points), keep, replace=False)) for _ in range(20)]))
            print(f"left over: exact greedy {least:.4f}, random {random:.4f} ({random / least:.2f} times as much)")
            for size in (1_000, 500, 250, 100):
                found = _left(far, _by_blocks(vectors, points, size, keep))
                print(f"blocks of {size:>5,}: {found:.4f} ({found / least:.3f} times), value "
                      f"{(len(points) - found) / (len(points) - least):.6f} of the exact greedy one's")  # fmt: skip


def _by_blocks(vectors: Vectors, points: Any, size: int, keep: int) -> list[int]:
    groups = vectors.groups(-(-2 * len(points) // size))
    found = []
    for members in blocks(groups, vectors.points, size):
        located = locate(apart(points[members]))
        found += [(-gain, int(members[place])) for place, gain in zip(located.order, located.gains, strict=True)]
    return [place for _, place in sorted(found)[:keep]]


def _left(far: Any, chosen: Any) -> float:
    return float(far[:, list(chosen)].min(axis=1).sum())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["whole", "gap"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--keep", type=int, default=0)
    asked = parser.parse_args()
    if asked.what == "whole":
        whole(asked.file, asked.samples, asked.keep or asked.samples // 100)
    else:
        gap(asked.file, asked.keep or 311)


if __name__ == "__main__":
    main()
