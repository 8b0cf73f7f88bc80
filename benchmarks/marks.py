"""How fast quality marks are looked for, and at what memory.

    python -m benchmarks.marks functions [--samples 50000]      each mark that is a function, over real pairs
    python -m benchmarks.marks relations [--samples 200000]     near-duplicates and the like, over made-up pairs
    python -m benchmarks.marks plain [--samples 2000]           signatures against MinHash in plain Python

`functions` repeats the pairs of `SRT_SHARED`, each with words of its own. `relations` makes a tenth of the pairs
near-copies of earlier ones, and says how many of them were found and how many others. Where others use the machine,
wall time is longer than the time used.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from srt_core.importing.kinds import kind_of
from srt_core.importing.marks import MARKS, find_marks
from srt_core.importing.marks.mark import Original
from srt_core.importing.marks.near_duplicates import VALUES, signatures
from srt_core.project.store import Store
from srt_core.records import Pair

DRAW = random.Random(7)
VOCABULARY = 20_000
NEAR_SHARE = 0.1


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("functions", "relations", "plain"))
    parser.add_argument("--samples", type=int)
    given = parser.parse_args()
    if given.what == "functions":
        time_functions(given.samples or 50_000)
    elif given.what == "relations":
        time_relations(given.samples or 200_000)
    else:
        time_plain(given.samples or 2_000)


def real_pairs(count: int) -> Iterator[Pair]:
    """Yield so many real pairs, those of the file again and again, each with words of its own at its end."""
    folder = Path(os.environ["SRT_SHARED"]) / "data"
    rows = json.loads((folder / "alpaca_cherry_5_percent.json").read_text(encoding="utf-8"))
    for number in range(count):
        row = rows[number % len(rows)]
        yield Pair(f"{row['instruction']}", f"{row['output']} That was number {number}.", row["input"])


def time_functions(count: int) -> None:
    """Print the processor time of each mark a pair, and pairs a second of all of them."""
    originals = [Original(number, pair, kind_of(pair).task) for number, pair in enumerate(real_pairs(count))]
    characters = sum(len(text) for each in originals for _, text in each.texts) / count
    print(f"{count:,} real pairs of {characters:,.0f} characters")
    whole = 0.0
    for mark in MARKS:
        if not mark.function:
            continue
        started = time.process_time()
        found = sum(mark.function(original) is not None for original in originals)
        took = time.process_time() - started
        whole += took
        print(f"{mark.name:<22} {took / count * 1e6:8.1f} us   {found:,} found")
    print(f"{'all':<22} {whole / count * 1e6:8.1f} us   {count / whole:,.0f} pairs a second")


def made_up_pairs(count: int) -> Iterator[tuple[Pair, bool]]:
    """Yield pairs of 40 to 160 words, and whether each is a near-copy of an earlier one: one word in 40 is another."""
    words = [f"{DRAW.choice('bdfgklmnprst')}{place:x}" for place in range(VOCABULARY)]
    kept: list[list[str]] = []
    for _ in range(count):
        if is_near := bool(kept) and DRAW.random() < NEAR_SHARE:
            said = list(DRAW.choice(kept))
            for place in DRAW.sample(range(len(said)), max(1, len(said) // 40)):
                said[place] = DRAW.choice(words)
        else:
            said = DRAW.choices(words, k=DRAW.randint(40, 160))
            if len(kept) < 5_000:  # noqa: PLR2004 - what copies are drawn from stays small
                kept.append(said)
        yield Pair(" ".join(said[:12]), " ".join(said[12:])), is_near


def time_relations(count: int) -> None:
    """Fill a project, look for each relation, and print wall and processor time, the peak of memory, what was found."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "marks.srt"
        Store.create(path).close()
        with Store.open(path) as store:
            near = _fill(store, count)
            print(f"{count:,} pairs, {len(near):,} near-copies; peak memory before {_peak_mb():,.0f} MB")
            for mark in MARKS:
                if not mark.relation:
                    continue
                wall, used = time.perf_counter(), time.process_time()
                for _ in find_marks(store, [mark]):
                    pass
                wall, used = time.perf_counter() - wall, time.process_time() - used
                found = {row["seq"] for row in store.rows("SELECT seq FROM mark WHERE mark = ?", [mark.name])}
                print(f"{mark.name:<18} {wall:7.1f} s wall {used:7.1f} s used   {count / wall:9,.0f} pairs/s   peak "
                      f"{_peak_mb():,.0f} MB   found {len(found):,}: {len(found & near):,} near-copies, "
                      f"{len(found - near):,} others")  # fmt: skip


def _fill(store: Store, count: int) -> set[int]:
    """Store pairs as samples; return the numbers of the near-copies. Straight into the tables, which is quicker."""
    near: set[int] = set()
    pairs = made_up_pairs(count)
    for first in range(1, count + 1, 10_000):
        chunk = [(seq, *next(pairs)) for seq in range(first, min(first + 10_000, count + 1))]
        near |= {seq for seq, _, is_near in chunk if is_near}
        with store.transaction() as tx:
            tx.append("sample", ["seq", "sample_id", "import_id", "row", "extra"],
                      [(seq, f"s{seq}", 1, seq, "{}") for seq, _, _ in chunk])  # fmt: skip
            tx.append("candidate", ["sample_id", "origin", "producer", "instruction", "input", "response"],
                      [(f"s{seq}", "ORIGINAL", "a file", pair.instruction, "", pair.response)
                       for seq, pair, _ in chunk])  # fmt: skip
    return near


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_plain(count: int) -> None:
    """Print the processor time of a signature here, and of the same number of hash functions in plain Python."""
    texts = [f"{pair.instruction} {pair.response}".lower().split() for pair in real_pairs(count)]
    started = time.process_time()
    signatures(texts)
    ours = time.process_time() - started
    started = time.process_time()
    for words in texts[: count // 10]:
        _plain_signature(words)
    plain = 10 * (time.process_time() - started)
    ours, plain = ours / count * 1e6, plain / count * 1e6
    print(f"signatures {ours:.1f} us a pair, in plain Python {plain:.1f} us: {plain / ours:.0f} times as long")


def _plain_signature(words: list[str]) -> list[int]:
    """Return what `signatures` does by one hash a run and VALUES multiplications of it."""
    runs = {" ".join(run) for run in zip(words, words[1:], words[2:], strict=False)}
    hashed = [int.from_bytes(hashlib.sha1(run.encode()).digest()[:4]) for run in runs]
    multipliers = [(2 * place + 1) * 2654435761 for place in range(VALUES)]
    return [min((each * by + by) % 4294967311 for each in hashed) for by in multipliers] if hashed else []


if __name__ == "__main__":
    main()
