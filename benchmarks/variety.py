"""How long the variety of many samples takes, and how much memory: python -m benchmarks.variety [SAMPLES] [NUMBERS]."""

import resource
import sys
import tempfile
import time
from pathlib import Path
from threading import Event

from srt_core.expand.varying import limit_for, varied, vary
from srt_core.project.store import Store


def main(samples: int = 1_000_000, numbers: int = 64) -> None:
    """Make a project whose originals have random vectors, compute their variety, and print seconds and memory."""
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "p.srt") as store:
        with store.transaction() as tx:
            names = f"(SELECT range AS seq, 's' || range AS sample_id FROM range(1, {samples + 1}))"
            columns = "(encoder, fingerprint, recipe, dimensions)"
            tx.execute(f"INSERT INTO encoding {columns} VALUES ('random', 'r', 'pair', ?)", [numbers])
            tx.set_meta("encoding_id", "1")
            tx.execute(
                f"INSERT INTO sample BY NAME SELECT seq, sample_id, 1 AS import_id, seq AS row, '{{}}' AS extra "
                f"FROM {names}"
            )
            tx.execute(
                f"""INSERT INTO candidate BY NAME
                    SELECT seq AS candidate_id, sample_id, 'ORIGINAL' AS origin, 'file' AS producer,
                           'Name' AS instruction,
                           '' AS input, 'It' AS response FROM {names}"""
            )
            tx.execute(
                f"""INSERT INTO vector
                    SELECT 1, seq, '', list_transform(range({numbers}), lambda x: random()::FLOAT), 'ok' FROM {names}"""
            )
        begun = time.perf_counter()
        for _ in vary(store, Event()):
            pass
        taken = time.perf_counter() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(
            f"variety of {samples:,} samples, {numbers} numbers each: {taken:.0f} s, at most {memory:.1f} GB resident"
        )
        begun = time.perf_counter()
        print(varied(store), limit_for(store, 20), f"{time.perf_counter() - begun:.1f} s for the limit")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
