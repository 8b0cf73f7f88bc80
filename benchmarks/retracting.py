"""How long it takes to retract and to list what is affected: python -m benchmarks.retracting [SAMPLES] [EXPORTS].

A project of so many samples, each in every export and in one run; a thousand of them are retracted.
"""

import sys
import tempfile
import time
from pathlib import Path

from srt_core.project.store import Store
from srt_core.review.retracting import retract, take_back
from srt_core.select.derive import refresh
from srt_core.train.withdrawn import affected


def main(samples: int = 1_000_000, exports: int = 5) -> None:
    """Make the project, retract, list, take back, and print each time in seconds."""
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "p.srt") as store:
        _fill(store, samples, exports)
        refresh(store)
        begun = time.perf_counter()
        done = retract(store, "seq % 1000 = 1", {}, "A benchmark", "bench")
        print(f"retracted {done.samples:,} of {samples:,}: {time.perf_counter() - begun:.2f} s")
        for name, action in (("of one retraction", done.action_id), ("of all", None)):
            begun = time.perf_counter()
            found = affected(store, action)
            print(
                f"listed {len(found.exports)} exports and {len(found.runs)} runs {name}: "
                f"{time.perf_counter() - begun:.2f} s"
            )
        begun = time.perf_counter()
        back = take_back(store, done.action_id, "bench")
        print(f"took back {back:,}: {time.perf_counter() - begun:.2f} s")


def _fill(store: Store, samples: int, exports: int) -> None:
    names = f"(SELECT range AS seq, 's' || range AS sample_id FROM range(1, {samples + 1}))"
    with store.transaction() as tx:
        tx.execute(
            f"INSERT INTO sample BY NAME SELECT seq, sample_id, 1 AS import_id, seq AS row, '{{}}' AS extra "
            f"FROM {names}"
        )
        tx.execute(f"INSERT INTO import_row SELECT 1, seq, md5(sample_id)[:16], sample_id FROM {names}")
        tx.execute(
            f"""INSERT INTO candidate BY NAME
                SELECT seq AS candidate_id, sample_id, 'ORIGINAL' AS origin, 'file' AS producer,
                       'Name number ' || seq AS instruction, '' AS input, 'It is ' || seq AS response FROM {names}"""
        )
        for number in range(1, exports + 1):
            tx.execute(
                f"INSERT INTO exported SELECT {number}, seq, sample_id, seq, NULL, md5(sample_id)[:16] FROM {names}"
            )
            tx.execute(
                """INSERT INTO event BY NAME SELECT ? AS event_id, 1 AS action_id, 'bench' AS author, 'export' AS kind,
                       '{}' AS context""",
                [10_000_000 + number],
            )
            tx.execute(
                "INSERT INTO export BY NAME SELECT ? AS export_id, ? AS event_id, '/out' AS path, 'alpaca' AS format, "
                "'verdicts' AS scope, '{}' AS filter, '{}' AS policy, ? AS rows, 'x' AS sha256",
                [number, 10_000_000 + number, samples],
            )
        tx.execute(f"INSERT INTO trained SELECT 'sha', sample_id FROM {names}")
        tx.execute(
            """INSERT INTO run BY NAME SELECT 1 AS run_id, 'k' AS key, 'one' AS arm, 1 AS seed, '/out' AS export_folder,
                   'sha' AS export_sha256, '/run' AS folder, 's' AS student, 'alpaca' AS template, '{}' AS source,
                   '{}' AS settings, '{}' AS plan, 'done' AS state"""
        )
        tx.bump()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
