"""`srt import` looks for quality marks once it is done, as the app does; the import is whole whatever comes."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from srt_core.importing.marks import unlooked
from srt_core.project.store import Store
from tests.command_line import DONE, DONE_WITH_FAILURES, NOT_DONE, Command
from tests.empty_project import create_empty, place_empty
from tests.killing import worker
from tests.small_project import write_lines

ROWS: Sequence[dict[str, Any]] = [
    {"instruction": f"Name river {at}.", "output": "It is long.</s>" if at % 2 else "It is short."} for at in range(4)
]


def marked(project: Path) -> int:
    with Store.open(project) as store:
        return int(store.value("SELECT count(*) FROM mark WHERE mark = 'special_tokens'"))


def test_an_import_ends_with_its_marks(tmp_path: Path, command: Command) -> None:
    """The result is that of the import; then the marks are looked for, and it is said where they are counted."""
    project = place_empty(tmp_path / "p.srt")
    done = command("import", project, write_lines(tmp_path / "rows.jsonl", [*ROWS, {"instruction": "No answer."}]))
    assert done.returncode == DONE_WITH_FAILURES
    assert done.stdout.startswith("4 samples added") and "marks" not in done.stdout
    listed, said = done.stderr.index("row 5"), done.stderr.index("srt marks")
    assert listed < said
    assert marked(project) == 2


def test_marks_can_be_left_out(tmp_path: Path, command: Command) -> None:
    """With --no-marks the import is all that is done, and the next one catches up."""
    project = place_empty(tmp_path / "p.srt")
    data = write_lines(tmp_path / "rows.jsonl", ROWS)
    done = command("import", project, data, "--no-marks")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert marked(project) == 0
    assert command("import", project, data).returncode == DONE
    assert marked(project) == 2


def test_an_interrupt_among_the_marks_leaves_the_import_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever stops the search has every sample, and is told by which command it goes on."""
    project = tmp_path / "p.srt"
    create_empty(project).close()
    words = [f"word{at % 97} and{at % 89} more{at % 83} still{at % 79}" for at in range(12_000)]
    rows = [{"instruction": f"Tell {at}: {words[at]}.", "output": f"{words[-at]} {at}. " * 9} for at in range(12_000)]
    data = write_lines(tmp_path / "rows.jsonl", rows)
    work = """
sys.argv = ["srt", "import", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    os._exit(end.code)
"""
    imports = "import sys\nfrom srt_core.commands.main import main\nfrom srt_core.commands import step"
    with worker(imports, work, project, data) as process:
        assert process.end_at(2, seconds=0.5, by=signal.SIGINT) == NOT_DONE
    said = capfd.readouterr().err
    assert "What came before is done" in said and f"srt marks {project}" in said
    with Store.open(project) as store:
        assert store.value("SELECT count(*) FROM sample") == 12_000
        assert unlooked(store)
