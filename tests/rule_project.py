"""A project file filled with the numbers of given cases, for tests of the rule and of what stands on it."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from srt_core.methods import REASONS
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import COVERAGE_RANK, Origin, Policy, Selection, encoding_source
from srt_core.score.templates import load_template
from srt_core.select import selection
from tests.empty_project import create_empty
from tests.rule_oracle import Case, Numbers

# A small grid of sums that floats hold exactly, so that ties and equality with a ceiling or margin happen all the time.
GRID = (None, 0.0, 0.25, 0.5, 0.5, 0.625, 0.75, 0.75, 0.875, 1.0, 1.25)

_TEXTS = load_template("plain").json.replace("'", "''")
SCORING = (
    "INSERT INTO scoring "
    "(student, fingerprint, dtype, template, template_hash, template_texts, convention, max_length) "
    f"VALUES (?, ?, 'float32', 'plain', 'h', '{_TEXTS}', ?, 16) RETURNING scoring_id"
)
SCORE_COLUMNS = ("scoring_id", "candidate_id", "tokens_y", "tokens_x", "ifd", "r_ifd", "loss_ratio", "status")
REFLECTION_COLUMNS = ("sample_id", "origin", "producer", "status", "reason", "detail")


def random_cases(number: int, seed: int) -> list[Case]:
    """Draw samples: every mixture of candidates that are there, scored, and failed."""
    draw, cover = random.Random(seed), random.Random(seed + 1)

    def numbers() -> Numbers:
        return Numbers(draw.choice(GRID), draw.choice(GRID), draw.choice(GRID))

    def case() -> Case:
        reflected = [origin for origin in Origin if origin is Origin.ORIGINAL or draw.random() < 0.8]
        failed = [origin for origin in Origin if origin is not Origin.ORIGINAL and draw.random() < 0.2]
        coverage = cover.choice((None, *range(1, 400), *range(1, 400)))
        return Case({origin: numbers() for origin in reflected}, frozenset(failed), coverage)

    return [case() for _ in range(number)]


def sample_name(place: int) -> str:
    """The sample id of the case at a place."""
    return f"s{place}"


def create_project(path: Path, cases: Sequence[Case]) -> Store:
    """Create a project whose samples are the cases, in their order, scored by one student."""
    store = create_empty(path)
    with store.transaction() as tx:
        tx.execute(SCORING, ["s", "first", "aligned"])
        names = [sample_name(place) for place in range(len(cases))]
        tx.append("sample", ("sample_id", "import_id", "row", "extra"), [(name, 1, 0, "{}") for name in names])
        tx.append(
            "candidate",
            ("candidate_id", "sample_id", "origin", "producer", "instruction", "input", "response"),
            [(key, name, origin, "test", "Do it.", "", "Done.") for key, name, origin, _ in _candidates(cases)],
        )
        tx.execute("SELECT nextval('candidate_ids') FROM range(?)", [sum(1 for _ in _candidates(cases))])
        tx.append("reflection", REFLECTION_COLUMNS, _reflections(cases))
        append_scores(tx, 1, ((key, numbers) for key, _, _, numbers in _candidates(cases)))
        append_coverage(tx, cases)
        tx.bump()
    store.set_meta("scoring_id", "1")
    store.set_meta("encoding_id", "1")
    return store


def append_coverage(tx: Transaction, cases: Sequence[Case]) -> None:
    """Append the coverage ranks of cases, under the first encoding."""
    ranked = [(place + 1, case.coverage) for place, case in enumerate(cases) if case.coverage is not None]
    rows = [("sample", seq, COVERAGE_RANK, encoding_source(1), float(rank), "ok") for seq, rank in ranked]
    tx.append("measurement", ("subject", "subject_id", "measure", "source", "value", "status"), rows)


def add_scoring(store: Store, student: str, cases: Sequence[Case], convention: str = "aligned") -> int:
    """Score the samples of a project once more, by another student, which gives the numbers of these cases."""
    with store.transaction() as tx:
        scoring_id = int(tx.execute(SCORING, [student, f"{student} {convention}", convention])[0][0])
        append_scores(tx, scoring_id, ((key, numbers) for key, _, _, numbers in _candidates(cases)))
        tx.bump()
    return scoring_id


def append_scores(tx: Transaction, scoring_id: int, scores: Iterable[tuple[int, Numbers]]) -> None:
    """Append the numbers of candidates under a scoring."""
    rows = [(scoring_id, key, 1, 1, n.ifd, n.r_ifd, n.loss_ratio, "ok") for key, n in scores]
    tx.append("score", SCORE_COLUMNS, rows)


def _candidates(cases: Sequence[Case]) -> Iterator[tuple[int, str, str, Numbers]]:
    key = 0
    for place, case in enumerate(cases):
        for origin in Origin:
            if origin in case.candidates:
                key += 1
                yield key, sample_name(place), str(origin), case.candidates[origin]


def _reflections(cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """Refused, failed and accepted calls; a candidate that is there may have been refused before."""
    calls = [
        (sample_name(place), str(origin), status)
        for place, case in enumerate(cases)
        for origin in Origin
        for status in _statuses(case, origin, place)
    ]
    return [(name, origin, "test", status, "", "") for name, origin, status in calls]


def _statuses(case: Case, origin: Origin, place: int) -> list[str]:
    unhappy = ["refused", "failed"][place % 2 : place % 2 + 1] if origin in case.failed else []
    accepted = ["accepted"] if origin in case.candidates and origin is not Origin.ORIGINAL else []
    return unhappy + accepted


def read(row: Row) -> Selection:
    """Read a row of the rule as a selection; fails on an unknown word."""
    assert row["reason"] in REASONS
    return Selection(Origin(row["winner"]), Origin(row["origin"]) if row["origin"] else None, row["reason"])


def kept(store: Store, policy: Policy) -> list[str]:
    """The samples that a policy keeps, in order."""
    return [row["sample_id"] for row in selection.select(store, policy) if row["origin"]]
