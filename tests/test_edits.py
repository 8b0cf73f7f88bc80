"""Edits from a file: each row is a decision under a name, and what is refused is told by row, sample and reason."""

from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.candidates import candidates, edit
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review.decisions import decide, standing
from tests.command_line import DONE, DONE_WITH_FAILURES, called, refused
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.small_project import write_lines

BETTER = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create_project(tmp_path / "own.srt", [BETTER] * 7).close()
    return tmp_path / "own.srt"


def test_a_file_of_edits_is_taken_row_by_row(project: Path, tmp_path: Path) -> None:
    """What is not given stays as it stands, a version can be named, and each refused row says why; a second run of the
    same file changes nothing."""
    with Store.open(project) as store:
        decide(store, Decision(sample_name(1), Action.REJECT, "Bo"), expected_event_id=None)
        held = candidates(store, sample_name(0))
        same = candidates(store, sample_name(3))[Origin.RESPONSE].pair.response
    rows: list[dict[str, object]] = [
        {"sample_id": sample_name(0), "response": "A shorter answer."},
        {"sample": 2, "version": "original", "instruction": "Ask again.", "output": "Said again."},
        {"sample": "nobody", "response": "x"},
        {"sample_id": sample_name(3), "response": same},
        {"sample_id": sample_name(0), "response": "Another."},
        {"sample_id": sample_name(4), "version": "both", "response": "x"},
        {"sample_id": sample_name(6), "response": "  "},
        {"sample_id": sample_name(5), "answer": "x"},
        {"response": "x"},
    ]
    path = write_lines(tmp_path / "edits.jsonl", rows)
    done = called("decide", project, "edit", "--file", path, "--by", "Ann")
    assert (done.returncode, done.stdout) == (
        DONE_WITH_FAILURES, "2 edited by Ann, 1 of them over a decision that stood; 7 refused.\n",
    )  # fmt: skip
    for said in (
        "Row 3: There is no sample nobody",
        f"Row 4: Sample {sample_name(3)} has these texts already",
        f"Row 5: Sample {sample_name(0)} stands in row 1 already",
        f"Row 6: Sample {sample_name(4)} has no version BOTH: it has ORIGINAL, RESPONSE",
        "Row 7: An edited pair needs an instruction and a response",
        f"Row 8: Sample {sample_name(5)} has no text here",
        "Row 9: It names no sample",
    ):
        assert said in done.stderr
    with Store.open(project) as store:
        first, second = standing(store, sample_name(0)), standing(store, sample_name(1))
        assert first and second
        assert (first.origin, second.origin, first.author) == (Origin.RESPONSE, Origin.ORIGINAL, "Ann")
        written = edit(store, first.event_id), edit(store, second.event_id)
        assert written[0] and written[1]
        assert written[0].pair.instruction == held[Origin.RESPONSE].pair.instruction
        assert (written[0].pair.response, written[1].pair.response) == ("A shorter answer.", "Said again.")
        logged = events.events(store, events.EventFilter(kind="edit"), 9)
        assert [each.context["row"] for each in logged] == ["2", "1"]
    again = called("decide", project, "edit", "--file", path, "--by", "Ann")
    assert again.stdout.startswith("0 edited by Ann; 9 refused.")


def test_an_edit_of_an_edit_begins_with_what_it_wrote(project: Path, tmp_path: Path) -> None:
    """Where an edit stands and no version is named, the texts that are not given are those of the edit."""
    for row in ({"instruction": "First."}, {"response": "Second."}):
        path = write_lines(tmp_path / "edits.jsonl", [{"sample_id": sample_name(0), **row}])
        assert called("decide", project, "edit", "--file", path).returncode == DONE
    with Store.open(project) as store:
        stood = standing(store, sample_name(0))
        written = edit(store, stood.event_id) if stood else None
        assert written
        assert (written.pair.instruction, written.pair.response) == ("First.", "Second.")


def test_a_file_that_is_none_changes_nothing(project: Path, tmp_path: Path) -> None:
    """What is no file of records, and a command that says only half, are refused whole."""
    (tmp_path / "edits.bin").write_bytes(b"\x00\x01\x02")
    refused(called("decide", project, "edit", "--file", tmp_path / "edits.bin"))
    for half in (["edit"], ["1"], ["1", "park", "--file", tmp_path / "edits.bin"]):
        assert "edit --file FILE" in refused(called("decide", project, *half))
    with Store.open(project) as store:
        assert events.kinds(store) == []
