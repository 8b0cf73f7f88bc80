"""Where exports go: no file of somebody else is replaced unasked, and no link is followed."""

from pathlib import Path

import pytest

from srt_core.errors import ExportError
from srt_core.project.store import Store
from srt_core.records import Origin
from tests.exporting import export_one
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

CASE = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_project(tmp_path / "own.srt", [CASE] * 3)


@pytest.mark.parametrize("name", ["alpaca.train.json", "manifest.json"])
def test_a_file_of_somebody_else_is_not_replaced_unasked(store: Store, tmp_path: Path, name: str) -> None:
    """The error names the file, which stays as it is; with force it is replaced."""
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    with store:
        with pytest.raises(ExportError, match="is no file that srt wrote") as refused:
            export_one(store, out, "alpaca", by="ann")
        assert name in refused.value.message
        assert [each.name for each in out.iterdir()] == [name]
        assert (out / name).read_text() == "mine"
        assert export_one(store, out, "alpaca", by="ann", force=True).rows == 3
    assert (out / name).read_text() != "mine"


def test_an_export_is_replaced_by_the_next_one_until_it_was_changed(store: Store, tmp_path: Path) -> None:
    """What srt wrote is written again; once somebody changed it, it is theirs."""
    out = tmp_path / "out"
    with store:
        for _ in range(2):
            written = export_one(store, out, "alpaca", by="ann")
        written.path.write_text(written.path.read_text() + " ")
        with pytest.raises(ExportError, match="changed since"):
            export_one(store, out, "alpaca", by="ann")
        assert export_one(store, out, "messages", by="ann", force=True).rows == 3


def test_a_planted_link_is_never_followed(store: Store, tmp_path: Path) -> None:
    """It is replaced, in the place of a file, of the card or of the manifest; its target stays."""
    out, target = tmp_path / "out", tmp_path / "target"
    out.mkdir()
    target.write_text("somebody's")
    for name in ("alpaca.train.json", "README.md", "manifest.json"):
        (out / name).symlink_to(target)
    with store:
        export_one(store, out, "alpaca", by="ann", force=True)
    assert target.read_text() == "somebody's"
    assert not any(each.is_symlink() for each in out.iterdir())
