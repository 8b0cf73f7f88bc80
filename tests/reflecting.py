"""What tests of the teacher's runs share: a project of originals, a run to its end, the script of one to be killed."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from srt_core.importing.run import import_file
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.reflect.prompts import load_prompts
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.teacher import OpenAITeacher
from tests.empty_project import create_empty
from tests.small_project import alpaca_rows, write_lines

PROMPTS = load_prompts()


def walk(steps: Iterable[Progress]) -> list[Progress]:
    """Take all steps."""
    return list(steps)


def project(path: Path, rows: int | Sequence[dict[str, str]]) -> Store:
    """Create a project of so many originals, or of these."""
    if isinstance(rows, int):
        return Store.open(place_project(path, rows))
    store = create_empty(path)
    walk(import_file(store, write_lines(path.with_suffix(".jsonl"), rows)))
    return store


def place_project(path: Path, rows: int) -> Path:
    """Put a project of so many originals at a path where nothing is, and leave it closed."""
    assert not path.exists()
    path.write_bytes(_imported(rows))
    return path


@cache
def _imported(rows: int) -> bytes:
    """Make the file of a project of so many originals, once for all tests that ask for as many."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.srt"
        project(path, alpaca_rows(rows)).close()
        return path.read_bytes()


def teacher_at(url: str, model: str = "m-1", **settings: Any) -> OpenAITeacher:
    """Make a teacher at a server on this machine."""
    return OpenAITeacher(url, model, **settings)


def run(store: Store, url: str, plan: Plan | None = None, **more: Any) -> Progress:
    """Reflect to the end."""
    return walk(reflect(store, teacher_at(url), PROMPTS, plan or Plan(), **more))[-1]


def outcomes(store: Store) -> list[Row]:
    """Read what each reflection that was asked for came to in the end."""
    return store.rows(
        """SELECT sample_id, origin, arg_max(status, reflection_id) AS status, arg_max(reason, reflection_id) AS reason
           FROM reflection GROUP BY ALL ORDER BY ALL"""
    )


RUN_NEEDS = """
from contextlib import closing
from pathlib import Path
from srt_core.reflect.run import Plan, reflect
from srt_core.reflect.prompts import load_prompts
from srt_core.project.store import Store
from srt_core.reflect.teacher import OpenAITeacher
"""
RUN = """
path, url, concurrency = sys.argv[1:]
with Store.open(Path(path)) as store:
    steps = reflect(store, OpenAITeacher(url, "m-1"), load_prompts(), Plan(concurrency=int(concurrency)))
    with closing(steps):
        for progress in steps:
            print(progress.done, flush=True)
"""
