"""Build a large project without a teacher or a student: samples of four candidates, texts and scores made up.

    python -m benchmarks.large project.srt [--samples 1000000]

Texts are sentences of made-up words that fall off in frequency as those of a language do, about 1 KB a candidate.
Numbers are drawn from a seed. The rows go in as the pipeline leaves them; nothing else in the product writes so.
"""

import argparse
import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from srt_core.importing.kinds import TaskType
from srt_core.importing.samples import sample_id
from srt_core.project.store import Store
from srt_core.records import Origin, Pair

CHUNK = 10_000
SENTENCES = 40_000
WORDS = 30_000
_ORIGINS = (Origin.ORIGINAL, Origin.INSTRUCTION, Origin.RESPONSE, Origin.BOTH)
_PARENTS = {Origin.INSTRUCTION: 0, Origin.RESPONSE: 0, Origin.BOTH: 1}
"""The place of what a rewrite rewrote."""
_SOURCES = ("web", "books", "forum", "exams", "code")
_LANGUAGES = ("en", "en", "en", "en", "en", "en", "de", "fr", "zh", "unknown")
_SUBJECTS = ("poem, sky, sun", "energy, solar, renewable", "recipe, cup, ingredients", "machine, learning, data")
_OPENINGS = (
    "Write a short story about", "Explain in simple terms", "Translate into French:", "Write a Python function for",
    "Solve the equation for", "Summarize the text on", "List five facts about", "Classify the sentiment of",
)  # fmt: skip


def build(path: Path, samples: int, seed: int = 0) -> None:
    """Create a project of so many samples at `path`, every candidate scored, or failed to be."""
    draw = random.Random(seed)
    sentences = list(_sentences(draw))
    with Store.create(path) as store:
        with store.transaction() as tx:
            tx.execute(
                """INSERT INTO import (path, sha256, format, options, finished)
                   VALUES ('made up', ?, 'jsonl', '{}', true)""",
                [str(seed)],
            )
            tx.execute(
                """INSERT INTO producer (producer, kind, teacher, prompt_version, prompt_hash, prompt_texts)
                   VALUES ('teacher', 'teacher', 'teacher', '1', '', ''), ('made up', 'file', '', '', '', '')"""
            )
            tx.execute(
                """INSERT INTO scoring (student, fingerprint, dtype, template, template_hash, template_texts,
                                        convention, max_length)
                   VALUES ('made up', 'f', 'float32', 'alpaca', 'h', '{}', 'aligned', 2048)"""
            )
            tx.execute("INSERT INTO meta VALUES ('scoring_id', '1')")
            tx.append("cluster", ["cluster", "words"], list(enumerate(_SUBJECTS)))
        for first in range(0, samples, CHUNK):
            _add_chunk(store, draw, sentences, range(first, min(first + CHUNK, samples)))


def _sentences(draw: random.Random) -> Iterator[str]:
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    lengths = [draw.randint(2, 10) for _ in range(WORDS)]
    words = ["".join(draw.choices(letters[: draw.randint(8, 26)], k=length)) for length in lengths]
    weights = [1 / (rank + 2) for rank in range(WORDS)]
    for _ in range(SENTENCES):
        yield " ".join(draw.choices(words, weights, k=draw.randint(8, 24))).capitalize() + "."


_TABLES = {
    "kind": ["sample_id", "task", "language", "cluster"],
    "sample": ["sample_id", "import_id", "row", "duplicate_of", "extra"],
    "candidate": ["sample_id", "origin", "producer", "instruction", "input", "response", "parent_id", "drift",
                  "growth"],
    "score": ["scoring_id", "candidate_id", "loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y", "tokens_y",
              "tokens_x", "ifd", "r_ifd", "loss_ratio", "status"],
    "reflection": ["sample_id", "origin", "parent_id", "producer", "status", "reason", "detail"],
}  # fmt: skip


def _add_chunk(store: Store, draw: random.Random, sentences: Sequence[str], numbers: range) -> None:
    rows: dict[str, list[Sequence[object]]] = {table: [] for table in _TABLES}
    for number in numbers:
        asked = {origin: _instruction(draw, sentences) for origin in (Origin.ORIGINAL, Origin.INSTRUCTION)}
        asked |= {Origin.RESPONSE: asked[Origin.ORIGINAL], Origin.BOTH: asked[Origin.INSTRUCTION]}
        name = sample_id(Pair(asked[Origin.ORIGINAL], str(number)), 0)
        rows["sample"].append((name, 1, number, None, json.dumps({"source": _SOURCES[number % len(_SOURCES)]})))
        kind = draw.choice(list(TaskType)), draw.choice(_LANGUAGES), draw.randrange(len(_SUBJECTS))
        rows["kind"].append((name, *kind))
        means = draw.gauss(0.7, 0.15), draw.gauss(0.75, 0.15)
        for place, origin in enumerate(_ORIGINS):
            candidate = number * len(_ORIGINS) + place + 1
            response = f"{' '.join(draw.choices(sentences, k=7))} {number}"
            rows["score"].append(_score(draw, candidate, *means))
            if origin is Origin.ORIGINAL:
                rows["candidate"].append((name, origin, "made up", asked[origin], "", response, None, None, None))
                continue
            parent = candidate - place + _PARENTS[origin]
            changed = draw.random(), draw.lognormvariate(0, 0.7)
            rows["candidate"].append((name, origin, "teacher", asked[origin], "", response, parent, *changed))
            rows["reflection"].append((name, origin, parent, "teacher", "accepted", "", ""))
    with store.transaction() as tx:
        for table, columns in _TABLES.items():
            tx.append(table, columns, rows[table])
        tx.bump()


def _instruction(draw: random.Random, sentences: Sequence[str]) -> str:
    return f"{draw.choice(_OPENINGS)} {draw.choice(sentences)}"


def _score(draw: random.Random, candidate: int, mean_ifd: float, mean_r_ifd: float) -> Sequence[object]:
    if draw.random() < 0.01:
        return 1, candidate, None, None, None, None, 0, 0, None, None, None, "no_target"
    y, x = draw.gauss(2.5, 0.4), draw.gauss(3.0, 0.4)
    ifd, r_ifd = (max(0.05, draw.gauss(mean, 0.1)) for mean in (mean_ifd, mean_r_ifd))
    return 1, candidate, y, y + math.log(ifd), x, x + math.log(r_ifd), 180, 30, ifd, r_ifd, 1 + math.log(ifd) / y, "ok"


def main() -> None:
    """Build as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large")
    parser.add_argument("project", type=Path)
    parser.add_argument("--samples", type=int, default=1_000_000)
    given = parser.parse_args()
    build(given.project, given.samples)


if __name__ == "__main__":
    main()
