"""What a command writes to a terminal: texts of others are shown and never steer it."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srt_core.commands.terminal import say, visible
from tests.command_line import DONE, ROOT, srt


@given(st.text())
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    """But for line ends and tabs none of ASCII or C1 is left; a text without any is as it was."""
    shown = visible(text)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown if letter not in "\n\t")
    if all(letter.isprintable() for letter in text):
        assert shown == text


def test_what_turns_the_direction_of_writing_is_shown() -> None:
    """A name that a mark turns round, as in gpj.exe, is read as it is; letters that are written that way stay."""
    assert visible("a\u202egpj.exe") == "a\\u202egpj.exe"
    assert visible("שלום") == "שלום"


@given(st.dictionaries(st.text(), st.text()))
def test_json_stays_the_same_json(value: dict[str, str]) -> None:
    """What is escaped in JSON is read back as it was."""
    assert json.loads(visible(json.dumps(value, ensure_ascii=False))) == value


def test_a_result_and_an_error_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    """A title change, a clear screen and a carriage return in a name are escapes on stdout and on stderr."""
    path = tmp_path / "a\x1b]0;pwned\x07\x1b[2J\rb.srt"
    made = srt("init", path)
    assert made.returncode == DONE
    again = srt("init", path)
    for written in (made.stdout, again.stderr):
        assert "a\\u001b]0;pwned\\u0007\\u001b[2J\\u000db.srt" in written
        assert not {"\x1b", "\x07", "\r"} & set(written)


def test_commands_write_through_the_terminal_alone() -> None:
    """No command prints by itself, so nothing is written that was not made visible."""
    writers = {"print", "echo", "secho"}
    found = [
        path.name
        for path in (ROOT / "srt_core" / "commands").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ((isinstance(node.func, ast.Name) and node.func.id in writers)
             or (isinstance(node.func, ast.Attribute) and node.func.attr in writers
                 and isinstance(node.func.value, ast.Name) and node.func.value.id in ("typer", "click", "console")))
    ]  # fmt: skip
    assert set(found) == {"terminal.py"}


def test_a_line_end_may_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A text that brings its own is written as it is."""
    say("one\n", nl=False)
    assert capsys.readouterr().out == "one\n"
