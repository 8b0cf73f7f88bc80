"""The Import screen: what is chosen, what is shown before anything is stored, and what is stored."""

import csv
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from srt_core.importing.run import import_file
from srt_core.people.settings import projects_folder
from srt_core.project.progress import Progress
from srt_core.review.status import status
from srt_core.ui.importing import outcome
from srt_core.ui.importing.page import guess_map
from srt_core.ui.importing.upload import ON_SERVER, safe_name
from srt_core.ui.server.runtime import Project
from tests.screens import finish, open_screen, served, words
from tests.small_project import alpaca_rows, rows_with_candidates, write_lines

PAGE = "pages/1_Import.py"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on an empty project."""
    with served(monkeypatch, tmp_path / "own.srt") as project:
        yield project


def choose(path: Path) -> AppTest:
    """Open Import and name a file on the server."""
    app = open_screen(PAGE)
    app.segmented_control(key="file_way").set_value(ON_SERVER).run()
    app.text_input(key="path_0").set_value(str(path)).run()
    assert not app.exception
    return app


def has_import_button(app: AppTest) -> bool:
    """Whether the file can be imported as chosen."""
    return any(button.key == "start_import" for button in app.button)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["instruction", "input", "output"], {"original.instruction", "original.input", "original.response"}),
        (["Raw Instruction", "Raw Response"], {"original.instruction", "original.response"}),
        (
            ["Raw Instruction", "Raw Response", "Revised Response"],
            {"original.instruction", "original.response", "reflected.response"},
        ),
        (["instruction", "output", "x"], {"original.instruction", "original.response"}),
        (["Raw Instruction", "Revised Response"], set()),
        (["question", "answer"], {"original.instruction", "original.response"}),
        (["what", "why"], set()),
    ],
)  # fmt: skip
def test_only_exact_names_are_mapped(columns: list[str], expected: set[str]) -> None:
    """Columns are mapped by themselves where their names say exactly what they are, else by hand."""
    assert set(guess_map(columns)) == expected


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("pairs.json", "pairs.json"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a<b>\n.csv", "a_b__.csv"),
        ("...", "file"),
        ("", "file"),
        ("x" * 300 + ".json", "x" * 75 + ".json"),
    ],
)
def test_the_name_of_an_upload_is_safe(name: str, kept: str) -> None:
    """An uploaded file's name is no path, is not hidden and is not long."""
    assert safe_name(name) == kept


def test_what_would_come_out_is_counted_over_the_whole_file(project: Project, tmp_path: Path) -> None:
    """Before anything is stored the page says how many rows would be taken and rejected, and what is used."""
    rows = [*alpaca_rows(300), {"instruction": "Say no.", "output": ""}]
    app = choose(write_lines(tmp_path / "pairs.jsonl", rows))
    assert "Of the 301 rows of this file 300 would be taken and 1 would be rejected." in words(app)
    assert 'Used as instruction: "instruction"' in words(app)
    assert status(project.store)["samples"] == 0


def test_a_large_file_is_counted_when_that_is_asked_for(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that takes a while to read the first rows are counted, and the whole where somebody asks for it."""
    monkeypatch.setattr(outcome, "COUNTED_BYTES", 10)
    app = choose(write_lines(tmp_path / "pairs.jsonl", alpaca_rows(300)))
    assert "Of the first 200 rows 200 would be taken and 0 would be rejected." in words(app)
    app.button(key="count_whole").click().run()
    assert "Of the 300 rows of this file 300 would be taken and 0 would be rejected." in words(app)


def test_the_end_of_an_import_is_not_said_above_another_file(project: Project, tmp_path: Path) -> None:
    """What came of an import stands there until the next file is chosen."""
    app = choose(write_lines(tmp_path / "one.jsonl", alpaca_rows(1)))
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert "Import is done" in words(app) and "1 sample added" in words(app)
    app.segmented_control(key="file_way").set_value(ON_SERVER).run()
    app.text_input(key="path_1").set_value(str(write_lines(tmp_path / "two.jsonl", alpaca_rows(2)))).run()
    assert "Import is done" not in words(app)


def test_a_row_of_a_table_is_named_by_its_row(project: Project, tmp_path: Path) -> None:
    """The first row below the head of a CSV file is row 1, in the preview as in what is said of it."""
    path = tmp_path / "table.csv"
    path.write_text("instruction,output\nSay no.,\n", "utf-8")
    said = words(choose(path))
    assert "line 2" not in said
    assert "row 1" not in said.lower() or "line 1" not in said


def test_a_file_on_the_server_is_imported(project: Project, tmp_path: Path) -> None:
    """A detected file with Alpaca's columns is previewed and imported as it is; what came of it is told."""
    app = choose(write_lines(tmp_path / "pairs.jsonl", alpaca_rows(7)))
    assert next(box.value for box in app.selectbox if box.label == "Format (detected)") == "json"
    assert "Name a colour" in words(app)
    assert status(project.store)["samples"] == 0
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert "7 samples added" in words(app)
    assert status(project.store)["samples"] == 7


def test_columns_are_mapped_by_hand(project: Project, tmp_path: Path) -> None:
    """Columns of other names are chosen by hand; until the original has two of them nothing can be imported."""
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["What", "Why"], ["What is two?", "It is 2."], ["What is three?", ""]])
    app = choose(path)
    assert "Choose the columns" in words(app)
    assert not has_import_button(app)
    for label, place in (("Instruction", 0), ("Response", 1)):
        next(box for box in app.selectbox if box.label == label).set_value(place).run()
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert (status(project.store)["samples"], status(project.store)["rejected_rows"]) == (1, 1)
    shown = words(app)
    assert 'response is empty (column "Why").' in shown
    assert "What is three?" in shown


def test_rewrites_in_the_same_file_become_candidates(project: Project, tmp_path: Path) -> None:
    """Columns of rewrites whose names are exact are imported as candidates beside the original."""
    rows = [
        {"Raw Instruction": row["Raw Instruction"], "Raw Response": row["Raw Response"],
         "Revised Instruction": row["Raw Instruction"], "Revised Response": row["Better Response"]}
        for row in rows_with_candidates(4)
    ]  # fmt: skip
    app = choose(write_lines(tmp_path / "pairs.jsonl", rows))
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert status(project.store)["candidates_by_origin"] == {"ORIGINAL": 4, "RESPONSE": 4}


def test_a_conversation_is_taken_as_it_is_asked(project: Project, tmp_path: Path) -> None:
    """Of a conversation the last answer is taken with what stands before it, or every answer where that is chosen."""
    turns = [{"role": role, "content": f"{role} says {at}"} for at in (1, 2) for role in ("user", "assistant")]
    app = choose(write_lines(tmp_path / "talk.jsonl", [{"messages": turns}]))
    assert 'Used as turns: "messages".' in words(app)
    next(box for box in app.selectbox if box.label == "Of a conversation of several turns").set_value("every").run()
    assert "assistant says 1" in words(app)
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert status(project.store)["samples"] == 2


def test_what_is_no_text_is_left_aside_where_it_is_asked(project: Project, tmp_path: Path) -> None:
    """Records with an image are refused until it is said on the page that their texts are taken."""
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "cat.png"}}]
    talk = [{"role": "user", "content": parts}, {"role": "assistant", "content": "A cat."}]
    app = choose(write_lines(tmp_path / "seen.jsonl", [{"messages": talk}]))
    assert "holds an image" in words(app)
    next(box for box in app.button_group if str(box.key).startswith("take_")).set_value(["media"]).run()
    assert "holds an image" not in words(app)
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert project.store.value("SELECT extra->>'left_aside' FROM sample") == "1 image"


def test_one_text_is_cut_and_speakers_are_named(project: Project, tmp_path: Path) -> None:
    """Separators and roles are asked for on the page too."""
    app = choose(write_lines(tmp_path / "text.jsonl", [{"text": "Q: Why? A: So."}] * 2))
    assert not has_import_button(app)
    for number, mark in enumerate(("Q:", "A:")):
        next(box for box in app.text_input if str(box.key).startswith(f"separator_{number}")).set_value(mark).run()
    assert has_import_button(app)
    messages = [{"role": "Reader", "content": "Why?"}, {"role": "Sage", "content": "So."}]
    app = choose(write_lines(tmp_path / "talk.jsonl", [{"messages": messages}]))
    assert "unknown role" in words(app)
    roles = next(box for box in app.text_input if box.label == "Speakers of other names")
    roles.set_value("Reader=user, Sage=assistant").run()
    assert "unknown role" not in words(app)


def test_an_import_is_taken_back_on_the_page(project: Project, tmp_path: Path) -> None:
    """What came of the columns is told of each import, and an owner can take it back."""
    app = choose(write_lines(tmp_path / "pairs.jsonl", alpaca_rows(3)))
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert "Used as instruction" in words(app)
    app.button(key="undo_import").click().run()
    assert "3 samples removed." in words(app)
    assert status(project.store)["samples"] == 0


def test_an_import_stays_while_a_job_works_on_its_samples(project: Project, tmp_path: Path) -> None:
    """While a job runs an import is not taken back; the page says what to wait for."""
    for _ in import_file(project.store, write_lines(tmp_path / "pairs.jsonl", alpaca_rows(3))):
        pass

    def step(stop: Event) -> Generator[Progress, None, None]:
        yield Progress("candidates")
        stop.wait(60)

    project.jobs.start("score", {}, step)
    app = open_screen(PAGE)
    app.button(key="undo_import").click().run()
    assert "The project is busy: score runs." in words(app)
    assert status(project.store)["samples"] == 3
    project.jobs.end("score")
    app.button(key="undo_import").click().run()
    assert status(project.store)["samples"] == 0


def test_an_upload_is_kept_until_it_is_imported(project: Project) -> None:
    """An uploaded file lies under the projects' folder by its name while it is chosen, and goes once it is imported."""
    app = open_screen(PAGE)
    content = json.dumps(alpaca_rows(3)).encode()
    app.file_uploader[0].upload("../my <pairs>.json", content, "application/json").run()
    kept = [path for path in projects_folder().rglob("*") if path.is_file()]
    assert [path.name for path in kept] == ["_my _pairs_.json"]
    app.button(key="start_import").click().run()
    finish(project, "import", app)
    assert status(project.store)["samples"] == 3
    assert not any(path.is_file() for path in projects_folder().rglob("*"))
    assert not app.file_uploader[0].value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "bad.json is empty."),
        (b"\x00\x01\x02\x00\x00", "bad.json is a binary file: byte 0 is zero."),
        (b'[{"instruction": "a", "out', None),
        ("[{'x'".encode("utf-16"), "Of the 1 row of this file 0 would be taken and 1 would be rejected."),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    project: Project, tmp_path: Path, content: bytes, message: str | None
) -> None:
    """A file that is no data says why by its name alone, and cannot be imported."""
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    app = choose(path)
    assert not has_import_button(app)
    if message:
        assert message in [text.value for text in app.text]
    assert status(project.store)["samples"] == 0
