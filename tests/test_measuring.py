"""The steps measure and rewrite: a status in place of a number that is none, and nothing lost or twice over a kill."""

import random
import shutil
import signal
from pathlib import Path

import pytest

from srt_core.importing.run import import_file
from srt_core.project.store import Row, Store
from tests.empty_project import create_empty
from tests.house import House
from tests.killing import worker
from tests.small_project import alpaca_rows, write_lines

RESPONSES = ("Red.", "Red and blue", "1 2 3.", "A. B.")
SAMPLES = 300
KILLS = 3

NUMBERS = "SELECT subject, subject_id, measure, source, value, status FROM measurement ORDER BY ALL"
REWRITES = """SELECT sample_id, producer, number, instruction, input, response, parent_id, drift, growth FROM candidate
              WHERE origin <> 'ORIGINAL' ORDER BY ALL"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The package with two methods that bring measures and a rewriter."""
    return House(tmp_path_factory.mktemp("house"), "brevity.py", "marks.py")


def project_of(path: Path, responses: list[str]) -> Path:
    """A project of so many originals, each with its response."""
    rows = [{**row, "output": text} for row, text in zip(alpaca_rows(len(responses)), responses, strict=True)]
    with create_empty(path) as store:
        for _ in import_file(store, write_lines(path.with_suffix(".jsonl"), rows)):
            pass
    return path


def rows_of(path: Path, sql: str) -> list[Row]:
    with Store.open(path) as store:
        return store.rows(sql)


def test_what_has_no_number_has_a_status(house: House, tmp_path: Path) -> None:
    """Not defined and not finite are rows without a number that say which; what has a row is not computed again."""
    house.project = project_of(tmp_path / "p.srt", list(RESPONSES))
    assert "Letters a mark: 2 ok" in house.srt("measure")
    sql = "SELECT value, status FROM measurement WHERE measure = 'letters_a_mark' ORDER BY subject_id"
    assert [tuple(row.values()) for row in rows_of(house.project, sql)] == [
        (3.0, "ok"), (None, "not_finite"), (None, "undefined"), (1.0, "ok"),
    ]  # fmt: skip
    sizes = rows_of(
        house.project, "SELECT subject, value FROM measurement WHERE measure = 'pair_length' ORDER BY subject_id"
    )
    rows = alpaca_rows(len(RESPONSES))
    assert [tuple(row.values()) for row in sizes] == [
        ("sample", len(row["instruction"]) + len(text)) for row, text in zip(rows, RESPONSES, strict=True)
    ]
    before = rows_of(house.project, "FROM measurement ORDER BY ALL")
    said = house.srt("measure")
    assert "Letters a mark: 1 not_finite" in said
    assert "Letters a mark: 1 undefined" in said
    assert rows_of(house.project, "FROM measurement ORDER BY ALL") == before


def test_a_missing_number_is_counted_as_failed(house: House, tmp_path: Path) -> None:
    """Progress counts the numbers that are none, and the derived tables have NULL there, never infinity."""
    house.project = project_of(tmp_path / "p.srt", list(RESPONSES))
    found = house.ask(f"""
import json
from pathlib import Path
from srt_core.project.store import Store
from srt_core.score.measuring import count_unmeasured, measure
from srt_core.select.derive import refresh
with Store.open(Path({str(house.project)!r})) as store:
    before = count_unmeasured(store)
    *_, last = measure(store)
    refresh(store)
    numbers = [row["original_letters_a_mark"] for row in store.rows("FROM panel ORDER BY seq")]
    print(json.dumps([before, last.done, last.total, last.failed, count_unmeasured(store), numbers]))
""")
    assert found == [16, 16, 16, 2, 0, [3.0, None, None, 1.0]]


NEEDS = """
from pathlib import Path
from srt_core.project.store import Store
import srt_core.score.measuring as measuring, srt_core.reflect.rewriting as rewriting
measuring.CHUNK = rewriting.CHUNK = 20
"""
WORK = """
with Store.open(Path(sys.argv[1])) as store:
    for progress in {step}(store):
        if progress.done:
            print(progress.done, flush=True)
"""


@pytest.mark.parametrize(
    ("step", "command", "made"),
    [("measuring.measure", "measure", NUMBERS), ("rewriting.rewrite", "rewrite", REWRITES)],
    ids=["measure", "rewrite"],
)
def test_a_killed_step_goes_on(house: House, tmp_path: Path, step: str, command: str, made: str) -> None:
    """`kill -9` three times at any moment, then the same step: equal to an undisturbed run, everything once."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    killed = project_of(tmp_path / "killed.srt", [RESPONSES[number % 4] for number in range(SAMPLES)])
    whole = Path(shutil.copy(killed, tmp_path / "whole.srt"))
    with worker(NEEDS, WORK.format(step=step), killed, package=house.folder) as work:
        kills = [work.end_at(chance.randrange(1, 3), chance.uniform(0, 0.02)) for _ in range(KILLS)]
    assert kills == [-signal.SIGKILL] * KILLS, seed
    before = rows_of(killed, made)
    for house.project in (whole, killed):
        house.srt(command)
    expected = rows_of(whole, made)
    assert 0 < len(before) < len(expected), seed
    assert [row for row in before if row not in expected] == [], seed
    assert rows_of(killed, made) == expected, seed
