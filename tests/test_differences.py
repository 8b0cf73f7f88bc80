"""What differs between two exports: by sample, the same from the folders and from what the project remembers."""

import json
from pathlib import Path

import pytest

from srt_core.export.contents import Contents, Scope
from srt_core.export.differences import Change, compare_with_last
from srt_core.export.past import past_exports
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review.decisions import decide, standing
from srt_core.review.filter.views import save_view
from tests.command_line import DONE, called, refused
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name

KEPT = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
LEFT = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.875)})
LONG = "The same beginning, which goes on for longer than a line has room, and then "


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create_project(tmp_path / "own.srt", [KEPT, KEPT, KEPT, LEFT]).close()
    return tmp_path / "own.srt"


def take(project: Path, number: int, action: Action, response: str = "") -> None:
    with Store.open(project) as store:
        sample = sample_name(number)
        stood = standing(store, sample)
        edited = Pair("Ask.", response) if response else None
        origin = None if action is Action.REJECT else Origin.ORIGINAL
        decide(
            store, Decision(sample, action, "Ann", origin, edited), expected_event_id=stood.event_id if stood else None
        )


def test_what_came_left_and_changed_is_told_by_sample(project: Path, tmp_path: Path) -> None:
    """Folders, manifests and the project's memory say the same; two texts of a sample begin where they part."""
    take(project, 1, Action.EDIT, LONG + "it was one.")
    first, second = tmp_path / "first", tmp_path / "second"
    formats = ("--format", "alpaca", "--format", "parquet", "--validation", "0")
    assert called("export", project, first, *formats).returncode == DONE
    assert called("diff-exports", first, first).stdout == "No difference: the same 3 texts.\n"
    take(project, 0, Action.REJECT)
    take(project, 1, Action.EDIT, LONG + "it was another.")
    take(project, 3, Action.CHOOSE)
    with Store.open(project) as store:
        (past,) = past_exports(store)
        remembered = compare_with_last(store, past, Contents(), 9)
        fewer = compare_with_last(store, past, Contents(Scope.APPROVED), 9)
    assert (fewer.same, fewer.added, fewer.left, fewer.changed) == (0, 1, 2, 1)
    assert called("export", project, second, "--format", "parquet", "--validation", "0").returncode == DONE
    said = called("diff-exports", first, second).stdout.splitlines()
    assert said[0] == remembered.described() == "1 came, 1 left, 1 have another text, 1 are the same."
    assert said[1].startswith(f"+ {sample_name(3)}  ")
    found = json.loads(called("diff-exports", first / "manifest.json", second, "--json").stdout)
    assert (found["same"], found["added"], found["left"], found["changed"], found["moved"]) == (1, 1, 1, 1, 0)
    (changed,) = found["changes"]["changed"]
    assert changed == {"sample_id": sample_name(1), "before": "… and then it was one.",
                       "after": "… and then it was another."}  # fmt: skip
    assert remembered.changes["changed"] == [Change(**changed)]
    for kind in ("added", "left"):
        assert [each.sample_id for each in remembered.changes[kind]] == [
            each["sample_id"] for each in found["changes"][kind]
        ]


def test_exports_without_sample_ids_in_common_are_refused(project: Path, tmp_path: Path) -> None:
    """A format that does not name samples, other formats, and what is no export, are said."""
    for name, format in (("one", "openai"), ("two", "openai"), ("three", "alpaca")):
        assert called("export", project, tmp_path / name, "--format", format).returncode == DONE
    for other in ("two", "three"):
        assert "no format with sample ids in common" in refused(
            called("diff-exports", tmp_path / "one", tmp_path / other)
        )
    assert "no folder that srt exported" in refused(called("diff-exports", tmp_path / "one", tmp_path))


def test_the_command_line_takes_the_filters_of_the_screens(project: Path, tmp_path: Path) -> None:
    """Conditions, several of them, a pasted address and a saved view each take their samples, and a name that is no
    condition is refused rather than passed over."""
    take(project, 0, Action.CHOOSE)
    with Store.open(project) as store:
        save_view(store, "open ones", {"state": "open", "sort": "ifd"}, "Ann")
    for options, samples in (
        (["--filter", "state=decided"], [0]),
        (["--filter", "state=open"], [1, 2]),
        (["--filter", "state=open", "--filter", "r_ifd=0.4,0.6&winner=RESPONSE"], [1, 2]),
        (["--filter", "http://127.0.0.1:8501/Explore?project=own&state=open&page=3&token=x"], [1, 2]),
        (["--view", "open ones"], [1, 2]),
        (["--view", "open ones", "--filter", "state=decided"], [0]),
    ):
        done = called("export", project, tmp_path / "out", "--format", "alpaca", "--validation", "0", *options)
        assert done.returncode == DONE, done.stderr
        rows = json.loads((tmp_path / "out" / "alpaca.train.json").read_text())
        assert [row["sample_id"] for row in rows] == [sample_name(number) for number in samples], options
    for wrong, said in (
        ("status=open", "The filter has no condition status"),
        ("open", "The filter has no condition open"),
        ("state=opened", "The filter asks for state opened"),
        ("ifd=high", "The filter gives ifd as 'high'"),
    ):
        assert said in refused(called("export", project, tmp_path / "out", "--format", "alpaca", "--filter", wrong))
    assert "There is no view mine" in refused(
        called("export", project, tmp_path / "out", "--format", "alpaca", "--view", "mine")
    )
