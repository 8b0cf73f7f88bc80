"""How fast reflecting is beside a bare client, every reply committed.

    python -m benchmarks.reflecting [--samples 667] [--latency 0.05] [--concurrency 8 16 32 64] [--rounds 3]

Each round reflects on so many samples, three calls each, in a fresh project, and sends as many requests by the bare
client: medians in requests a second. Only ratios within one run can be compared.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.bare_client import KEY, ask_bare, body_of, reflections
from benchmarks.latency_server import running_latency_server
from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.reflect.prompts import load_prompts
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import OpenAITeacher


def write_pairs(path: Path, samples: int) -> Path:
    """Write so many ordinary pairs."""
    pairs = (
        {
            "instruction": f"Describe animal {number} and its home.",
            "input": "It is small." * (number % 2),
            "output": f"It has {number} legs. " * 20,
        }
        for number in range(samples)
    )
    path.write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    return path


def reflect_once(url: str, pairs: Path, project: Path, concurrency: int) -> float:
    """Reflect on a fresh project; give the replies a second. AssertionError where one is not committed."""
    os.environ["SRT_BENCHMARK_KEY"] = KEY
    with Store.create(project) as store:
        for _ in import_file(store, pairs):
            pass
        teacher = OpenAITeacher(url, "m-1", api_key_variable="SRT_BENCHMARK_KEY")
        started = time.perf_counter()
        for _ in reflect(store, teacher, load_prompts(), Plan(concurrency=concurrency)):
            pass
        seconds = time.perf_counter() - started
        replies = int(store.value("SELECT count(*) FROM teacher_call WHERE outcome = 'answered'"))
        made = int(store.value("SELECT count(*) FROM candidate WHERE origin <> 'ORIGINAL'"))
        samples = int(store.value("SELECT count(*) FROM sample"))
        assert replies == made == 3 * samples, (replies, made, samples)
    return replies / seconds


def measure(samples: int, latency: float, concurrencies: list[int], rounds: int) -> None:
    """Print a table of replies a second."""
    bodies = [body_of(ask) for ask in reflections(3 * samples)]
    print(f"{3 * samples:,} reflections, {latency * 1000:g} ms, replies a second")
    print("at once      bare   reflect  reflect/bare")
    with running_latency_server(latency) as url, tempfile.TemporaryDirectory() as folder:
        pairs = write_pairs(Path(folder) / "pairs.jsonl", samples)
        for concurrency in concurrencies:
            bare: list[float] = []
            ours: list[float] = []
            for number in range(rounds):
                bare.append(len(bodies) / asyncio.run(ask_bare(url, bodies, concurrency)).seconds)
                project = Path(folder) / f"{concurrency}_{number}.srt"
                ours.append(reflect_once(url, pairs, project, concurrency))
            one, other = statistics.median(bare), statistics.median(ours)
            print(f"{concurrency:7} {one:9,.0f} {other:9,.0f} {other / one:13.0%}", flush=True)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reflecting")
    parser.add_argument("--samples", type=int, default=667)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    measure(given.samples, given.latency, given.concurrency, given.rounds)


if __name__ == "__main__":
    main()
