"""A project that may only be read: counted, checked, looked at and copied, and told that nothing can be saved."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from srt_core.errors import ProjectError
from srt_core.project import log
from srt_core.project.copying import stream_copy
from srt_core.project.log_file import log_of
from srt_core.project.store import Store
from srt_core.select.derive import refresh
from srt_core.ui.explore.component import KEY
from srt_core.ui.frame.navigation import PAGES
from srt_core.ui.frame.page import READ_ONLY
from srt_core.ui.server.runtime import Project
from tests.command_line import DONE, NOT_DONE, called
from tests.deciding import create_decided_project
from tests.desk_talk import Talk, press
from tests.places import read_only, read_only_file, small_disk
from tests.screens import open_screen, send, served, told_to, words

LOOKS = (["status"], ["status", "--json"], ["check"], ["exports"], ["imports"], ["rejects"], ["scorings"], ["trust"])
WRITES = (
    ["decide", "PROJECT", "1", "park"],
    ["select", "PROJECT", "--preset", "selective-paper"],
    ["import", "PROJECT", "DATA"],
    ["export", "PROJECT", "OUT", "--format", "alpaca"],
    ["marks", "PROJECT"],
)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with decisions, closed."""
    path = tmp_path_factory.mktemp("decided") / "p.srt"
    with create_decided_project(path, 12, seed=3) as store:
        refresh(store)
    return path


@pytest.fixture
def folder(decided: Path, tmp_path: Path) -> Path:
    """A folder with a copy of the project."""
    (tmp_path / "kept").mkdir()
    shutil.copy(decided, tmp_path / "kept" / "p.srt")
    return tmp_path / "kept"


def test_a_project_that_may_only_be_read_is_counted_as_ever(folder: Path) -> None:
    """Commands that only look say what they say elsewhere, and leave nothing behind."""
    path = folder / "p.srt"
    elsewhere = [called(command[0], path, *command[1:]) for command in LOOKS]
    before = path.read_bytes()
    with read_only(folder):
        for command, said in zip(LOOKS, elsewhere, strict=True):
            assert vars(called(command[0], path, *command[1:])) == vars(said)
    assert path.read_bytes() == before
    assert [each.name for each in folder.iterdir()] == ["p.srt"]


def test_a_command_that_would_write_says_that_it_may_not(folder: Path, tmp_path: Path) -> None:
    """Exit code 2 and a sentence with the way out, which works: a copy elsewhere takes it."""
    data = tmp_path / "data.jsonl"
    data.write_text('{"instruction": "Do it.", "output": "Done."}\n')
    places = {"PROJECT": folder / "p.srt", "DATA": data, "OUT": tmp_path / "out"}
    with read_only(folder):
        for command in WRITES:
            finished = called(*(places.get(word, word) for word in command))
            assert finished.returncode == NOT_DONE, finished
            assert "may only be read" in finished.stderr and "srt copy" in finished.stderr
        assert called("copy", folder / "p.srt", tmp_path / "copy.srt").returncode == DONE
    assert not (tmp_path / "out" / "alpaca.train.json").exists()
    assert called("decide", tmp_path / "copy.srt", "1", "park").returncode == DONE


def test_a_file_that_may_only_be_read_is_enough(folder: Path) -> None:
    """The folder may be written, the file may not: it is read, and no log is begun beside it."""
    with read_only_file(folder / "p.srt"):
        assert called("status", folder / "p.srt").returncode == DONE
        assert called("decide", folder / "p.srt", "1", "park").returncode == NOT_DONE
    assert [each.name for each in folder.iterdir()] == ["p.srt"]


def test_the_log_of_what_was_killed_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in a log that cannot be folded in is there, one that breaks off is noticed; no copy leaves it out."""
    monkeypatch.setattr(log, "QUIET_SECONDS", 3600.0)
    path = folder / "p.srt"
    with Store.open(path) as store:
        store.set_meta("number", "7")
        left, of_log = path.read_bytes(), log_of(path).read_bytes()
    for kept, found, notices in ((of_log, "7", 0), (of_log[:-4], None, 1)):
        path.write_bytes(left)
        log_of(path).write_bytes(kept)
        with read_only(folder), Store.open(path) as store:
            assert (store.meta("number"), len(store.notices)) == (found, notices)
            with pytest.raises(ProjectError, match="may only be read"):
                store.set_meta("number", "8")
            with pytest.raises(ProjectError, match="srt copy"):
                b"".join(stream_copy(store))
        assert sorted(each.name for each in folder.iterdir()) == ["p.srt", "p.srt.wal"]


@pytest.mark.parametrize("what", ["views", "version", "selection"])
def test_what_would_be_brought_up_to_date_first_says_so(folder: Path, what: str) -> None:
    """A file of another version, or whose selection is behind, is not shown half: it says what to do."""
    path = folder / "p.srt"
    key, value = {"views": ("sql_views", "0"), "version": ("schema_version", "6"), "selection": ("data_version", "99")}[
        what
    ]
    with Store.open(path) as store:
        store.set_meta(key, value)
    with read_only(folder):
        finished = called("status", path)
    assert finished.returncode == NOT_DONE
    assert "may only be read" in finished.stderr and "srt copy" in finished.stderr


def test_no_project_is_made_in_a_place_that_may_only_be_read(tmp_path: Path) -> None:
    """It says so, and leaves nothing: no draft, no log and no folder."""
    (tmp_path / "kept").mkdir()
    with read_only(tmp_path / "kept"):
        for path in (tmp_path / "kept" / "p.srt", tmp_path / "kept" / "new" / "p.srt"):
            finished = called("init", path)
            assert finished.returncode == NOT_DONE
            assert str(path) in finished.stderr and "may" in finished.stderr
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize("size", ["4k", "64k", "600k"])
def test_no_project_is_made_on_a_full_disk(tmp_path: Path, size: str) -> None:
    """However much fits, what does not end as a whole project leaves nothing: no draft, no log and no folder."""
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", size):
        finished = called("init", tmp_path / "disk" / "new" / "p.srt")
        assert finished.returncode == NOT_DONE, finished
        assert "space" in finished.stderr.lower()
        assert list((tmp_path / "disk").iterdir()) == []


def test_a_disk_that_is_full_loses_nothing_that_was_saved(folder: Path, tmp_path: Path) -> None:
    """What cannot be saved says so, as often as it is tried; once there is space everything that was saved is there."""
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", "16m"):
        path = Path(shutil.copy(folder / "p.srt", tmp_path / "disk" / "p.srt"))
        saved = 0
        with Store.open(path) as store:
            store.set_meta("number", "0")
            with (
                (tmp_path / "disk" / "filler").open("wb", buffering=0) as filler,
                pytest.raises(OSError, match="space"),
            ):
                while filler.write(bytes(4096)):
                    pass
            refused: list[str] = []
            for number in range(1, 60):
                try:
                    store.set_meta("number", str(number))
                    saved = number
                    store.set_meta("text", "x" * 20_000)
                except ProjectError as error:
                    refused.append(error.message)
            assert len(refused) > 40
            assert all("No space left" in each for each in refused), set(refused)
        (tmp_path / "disk" / "filler").unlink()
        with Store.open(path) as store:
            assert store.meta("number") == str(saved)


@pytest.fixture
def locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on the project that may only be read."""
    with read_only(folder), served(monkeypatch, folder / "p.srt") as project:
        yield project


def test_every_page_of_a_project_that_may_only_be_read_says_so(locked: Project) -> None:
    """Each page opens and says it; a button that writes is off, or answers with a sentence, and nothing breaks."""
    answered = 0
    for page in PAGES:
        app = open_screen(page)
        assert READ_ONLY in words(app), page
        for key in [button.key for button in app.button if button.key and not button.disabled]:
            clicked = open_screen(page)
            clicked.button(key=key).click().run()
            assert not clicked.exception, (page, key, clicked.exception)
            said = words(clicked)
            assert "Only an owner" not in said
            answered += "may only be read, so nothing can be saved" in said
    app = open_screen("pages/4_Explore.py", sample="1")
    card = told_to(app, KEY)["card"]
    press = {"id": "p", "kind": "park", "sample": card["sample"], "upon": None}
    messages: list[dict[str, Any]] = [{"bulk": "park"}, {"press": press}]
    for place, message in enumerate(messages):
        send(app, KEY, {"turn": f"test {place}", **message})
        answered += "may only be read, so nothing can be saved" in told_to(app, KEY)["answer"]["refused"]
    assert answered > 1
    assert locked.store.rows("SELECT count(*) AS n FROM job") == [{"n": 0}]


def test_a_key_on_a_project_that_may_only_be_read_is_answered(locked: Project) -> None:
    """Whatever is pressed on the desk of Review, nothing is called saved, and it is said why."""
    talk = Talk(locked)
    for kind in ("keep", "leave_out", "park", "note", "tag"):
        candidate = talk.cards[talk.data["at"]]["versions"][0]["candidate"]
        talk.say(press(kind, talk.data["at"], candidate=candidate, text="words"))
        assert "may only be read, so nothing can be saved" in talk.data["error"]["message"]
        assert talk.data["answers"] == {}


def test_a_notice_is_shown_until_it_is_called_seen(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found at open stands on every page of a session until its person has seen it."""
    monkeypatch.setattr(log, "QUIET_SECONDS", 3600.0)
    with Store.open(folder / "p.srt") as store:
        store.set_meta("number", "7")
        shutil.copy(folder / "p.srt", tmp_path / "copy.srt")
    with served(monkeypatch, tmp_path / "copy.srt"):
        app = open_screen("pages/4_Explore.py")
        assert "is missing, or nothing of it can be read" in words(app)
        app.button(key="notices_seen").click().run()
        assert not app.exception
        assert "is missing" not in words(app)
