"""A loss that a method asks scoring for is one record in its file; nothing else knows it."""

import json
from pathlib import Path

import pytest

from srt_core.score.templates import load_template, reverse_prompt
from tests.command_line import Command, refused
from tests.house import House
from tests.plain_scorer import PlainScorer
from tests.small_project import alpaca_rows, save_student, write_lines
from tests.tiny_students import byte_tokenizer, tiny_llama

pytestmark = pytest.mark.thorough

ROWS = alpaca_rows(3)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Three pairs, scored as the method that is one file says."""
    house = House(tmp_path_factory.mktemp("house"), "opened.py")
    house.srt("init")
    house.srt("import", str(write_lines(house.folder / "pairs.jsonl", ROWS)))
    house.srt("score", "--student", str(save_student(house.folder / "student")), "--method", "opened")
    return house


def plain(row: dict[str, str]) -> float | None:
    """The score by its definition: ppl(x given y') / ppl(x), where x stands after the words that open a response."""
    tokenizer, template = byte_tokenizer(has_bos=True), load_template("vicuna")
    texts = (template.with_input, template.no_input, template.reverse_request)
    scorer = PlainScorer(tiny_llama(len(tokenizer)), tokenizer, *texts, "aligned", 2048)
    backward = reverse_prompt(template, row["output"])
    return scorer.score_texts("ASSISTANT:", "", backward, row["instruction"], row["input"], row["output"]).r_ifd


def test_the_number_is_what_the_record_says(house: House) -> None:
    """The loss stands after the text that the record names, and its measure is the ratio that it names, in exports."""
    house.srt("export", str(house.folder / "out"), "--format", "scores")
    lines = [json.loads(line) for line in (house.folder / "out" / "scores.jsonl").read_text("utf-8").splitlines()]
    assert [line["opened_ifd"] for line in lines] == pytest.approx([plain(row) for row in ROWS], rel=1e-4)


def test_it_is_asked_for_by_the_measures_name(house: House) -> None:
    """The command line has an option for it, and a scoring without it is another one, without its numbers."""
    student = str(house.folder / "student")
    assert "3 versions scored" in house.srt("score", "--student", student, "--template", "vicuna")
    again = house.srt("score", "--student", student, "--template", "vicuna", "--opened-ifd")
    assert "Everything was scored before." in again


def test_a_template_without_the_text_is_refused_first(tmp_path: Path, command: Command) -> None:
    """Where a template lacks the text that a loss stands after, it is said before anything is loaded."""
    path = tmp_path / "p.srt"
    command("init", path)
    command("import", path, write_lines(tmp_path / "pairs.jsonl", ROWS))
    said = refused(command("score", path, "--student", tmp_path / "nowhere", "--template", "plain", "--cherry-ifd"))
    assert "The template plain has no text direct_prefix, after which a loss is asked for." in said
    assert "Take one that has it: alpaca," in said
