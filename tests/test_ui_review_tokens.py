"""Token losses on the desk: what shows by itself, what the button does, and which errors are sentences."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from srt_core.project import candidates
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.score.explain import explain
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.score.token_maps import MapStatus, MapSubject, Part, TokenMap, TokenSpan, stored_maps
from srt_core.steps.resident import RESIDENT, StudentChoice
from srt_core.ui.review.tokens import MOST_PIECES, Version, column, look, pieces, sentence
from srt_core.ui.sample.summary import read_sample
from srt_core.ui.server.runtime import Project
from tests.desk_talk import Talk
from tests.screens import APP, JOB_SECONDS, log_in, served
from tests.small_project import create_scored_project, save_student
from tests.tiny_students import byte_tokenizer, save, tiny_llama

EVIL = (
    '<script>alert(1)</script><img src="http://198.51.100.7/a.png" onerror="x()"> '
    "\"q' &amp; ![x](http://198.51.100.7/b.png) $x$\n\n</div>"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny student and a project of three samples that it scored."""
    folder = tmp_path_factory.mktemp("made")
    create_scored_project(folder / "p.srt", save_student(folder / "student"), 3).close()
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A server on a copy of it, with no student loaded yet."""
    torch.set_num_threads(1)
    shutil.copytree(made / "student", tmp_path / "student")
    shutil.copy(made / "p.srt", tmp_path / "p.srt")
    with Store.open(tmp_path / "p.srt") as store, store.transaction() as tx:
        tx.execute("UPDATE scoring SET student = ?", [str(tmp_path / "student")])
    RESIDENT.release()
    with served(monkeypatch, tmp_path / "p.srt") as project:
        yield project
    RESIDENT.release()


def open_tab(project: Project, sample: str, *, is_asked: bool = False) -> dict[str, Any]:
    """What the tab shows of a sample, beside the rewrite in question; `is_asked` is the press of its button."""
    read = read_sample(project.store, sample)
    return look(project, read, read.in_question, is_asked=is_asked)


def finish(project: Project) -> None:
    """Wait for the job of token losses to end."""
    job = project.jobs.latest("explain")
    assert job and job.thread
    job.thread.join(JOB_SECONDS)
    assert not job.thread.is_alive()


def sentences(shown: dict[str, Any]) -> list[str]:
    return [block["says"] for column in shown["columns"] for block in column["blocks"]]


def text_of(shown: dict[str, Any]) -> str:
    texts = [piece for column in shown["columns"] for block in column["blocks"] for piece, *_ in block["pieces"]]
    return "".join(texts)


def sample_at(project: Project, place: int) -> str:
    return str(project.store.rows("SELECT sample_id FROM sample ORDER BY seq")[place]["sample_id"])


def subject_of(project: Project, sample: str, origin: Origin) -> MapSubject:
    return MapSubject("score", candidates.candidates(project.store, sample)[origin].candidate_id)


def wanted_of(project: Project) -> StudentChoice:
    return StudentChoice(str(project.store.path.parent / "student"), "auto", "float32")


def test_kept_maps_show_at_once(project: Project) -> None:
    """What was computed before is drawn without any student, for the original and the rewrite in question."""
    sample = sample_at(project, 0)
    student = load_student(project.store.path.parent / "student", device="cpu")
    maps = [
        explain(project.store, student, subject_of(project, sample, origin))
        for origin in candidates.candidates(project.store, sample)
    ]
    shutil.rmtree(project.store.path.parent / "student")
    shown = open_tab(project, sample)
    assert shown["state"] == "drawn"
    assert sentence(maps[0][Part.RESPONSE]) in sentences(shown)
    assert project.jobs.latest("explain") is None


def test_no_student_is_loaded_that_is_not_allowed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose student the project file names, its path is for the server to allow, and is not told to a curator."""
    log_in(monkeypatch, "ben", "curator")
    drawer = {"tab": "tokens", "sample": sample_at(project, 0), "shown": ""}
    data = Talk(project, by="ben").say(compute=drawer)
    assert "student may not be named here" in data["drawer"]["tokens"]["says"][0]
    assert str(project.store.path.parent) not in str(data)
    assert project.jobs.latest("explain") is None


def test_the_button_computes_and_the_next_sample_follows_by_itself(project: Project) -> None:
    """The first time a button loads the student; once it is loaded, opening the tab on another sample is enough."""
    sample = sample_at(project, 0)
    assert open_tab(project, sample)["label"] == "Show token losses"
    assert open_tab(project, sample, is_asked=True)["state"] == "waiting"
    finish(project)
    assert "Once the instruction is known" in sentences(open_tab(project, sample))[0]
    assert stored_maps(project.store, subject_of(project, sample, Origin.ORIGINAL))
    first = project.jobs.latest("explain")
    assert open_tab(project, sample_at(project, 1))["state"] == "waiting"
    assert project.jobs.latest("explain") is not first
    finish(project)
    assert open_tab(project, sample_at(project, 1))["state"] == "drawn"


def test_a_closed_tab_computes_nothing(project: Project) -> None:
    """With a student loaded and the drawer closed, no job starts."""
    RESIDENT.get(wanted_of(project))
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.switch_page("pages/6_Review.py")
    app.run()
    assert not app.exception
    assert project.jobs.latest("explain") is None


def test_a_students_folder_that_is_gone_is_a_sentence(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the student that is missing and what to do, and offers to try again."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    shutil.rmtree(project.store.path.parent / "student")
    (project.store.path.parent / "student").mkdir()
    sample = sample_at(project, 0)
    open_tab(project, sample, is_asked=True)
    finish(project)
    shown = open_tab(project, sample)
    assert "holds no student" in shown["says"][0]
    assert "Give the folder" in shown["says"][1]
    assert shown["label"] == "Try again"


def test_another_student_in_the_folder_is_a_sentence(project: Project) -> None:
    """Where the folder holds another student by now, the tab says so and computes no map; it does not try for ever."""
    tokenizer = byte_tokenizer(has_bos=True)
    save(project.store.path.parent / "student", tiny_llama(len(tokenizer), hidden=64), tokenizer)
    sample = sample_at(project, 0)
    open_tab(project, sample, is_asked=True)
    finish(project)
    said = " ".join(open_tab(project, sample)["says"])
    assert "is another one, or has changed since" in said
    assert "score again" in said
    job = project.jobs.latest("explain")
    open_tab(project, sample)
    assert project.jobs.latest("explain") is job


def test_a_student_whose_files_changed_is_loaded_again(project: Project) -> None:
    """The student that stays in memory is the one in the folder: new files put another in its place."""
    wanted = wanted_of(project)
    student = RESIDENT.get(wanted)
    assert RESIDENT.holds(wanted)
    assert RESIDENT.get(wanted) is student
    tokenizer = byte_tokenizer(has_bos=True)
    save(project.store.path.parent / "student", tiny_llama(len(tokenizer), hidden=64), tokenizer)
    assert not RESIDENT.holds(wanted)
    assert RESIDENT.get(wanted).fingerprint != student.fingerprint


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM score"], "This sample is not scored yet"),
        (["DELETE FROM score", "DELETE FROM meta WHERE key = 'scoring_id'"], "Nothing was scored yet"),
    ],
    ids=["sample", "project"],
)  # fmt: skip
def test_what_is_not_scored_has_no_token_losses(project: Project, statements: list[str], said: str) -> None:
    """Without a score the tab says what to do first, and offers nothing that cannot work."""
    with project.store.transaction() as tx:
        for statement in statements:
            tx.execute(statement)
        tx.bump()
    shown = open_tab(project, sample_at(project, 0))
    assert said in shown["says"][0]
    assert "label" not in shown


def test_an_edit_is_explained(project: Project) -> None:
    """A standing edit has a map of its own text once it is scored."""
    sample = sample_at(project, 0)
    pair = candidates.candidates(project.store, sample)[Origin.ORIGINAL].pair
    edited = Pair(pair.instruction, "A response by hand <b>.", pair.input)
    event = decisions.decide(
        project.store, Decision(sample, Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None
    )
    student = load_student(project.store.path.parent / "student", device="cpu")
    for _ in score(project.store, student, load_template("alpaca")):
        pass
    open_tab(project, sample, is_asked=True)
    finish(project)
    assert stored_maps(project.store, MapSubject("edit_score", event))[Part.RESPONSE].text == edited.response
    shown = open_tab(project, sample)
    assert [column["label"] for column in shown["columns"]][-1] == "Edited"
    assert edited.response in text_of(shown)


def test_looking_at_samples_is_no_step_of_the_work(project: Project) -> None:
    """However many token losses were shown, the latest scoring is still known, and the Overview does not list them."""
    with project.store.transaction() as tx:
        tx.execute("INSERT INTO job (kind, state, arguments) VALUES ('score', 'paused', '{}')")
        for _ in range(120):
            tx.execute("INSERT INTO job (kind, state, arguments) VALUES ('explain', 'failed', '{}')")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    said = "\n".join(block.value for block in app.markdown)
    assert "Scoring is paused" in said
    assert "Token losses" not in said


# ---- the pieces alone


def map_of(text: str, spans: list[TokenSpan], status: MapStatus = MapStatus.OK) -> TokenMap:
    alone = [piece.alone for piece in spans if piece.alone is not None]
    given = [piece.given for piece in spans if piece.given is not None]
    mean_alone, mean_given = sum(alone) / len(alone), sum(given) / len(given)
    return TokenMap(Part.RESPONSE, text, status, tuple(spans), mean_alone, mean_given, len(alone), len(given))


def block_of(found: TokenMap) -> dict[str, Any]:
    (block,) = column(Version("Original", "#808080", MapSubject("score", 1), "ok"), {Part.RESPONSE: found})["blocks"]
    assert isinstance(block, dict)
    return block


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_pieces_joined_are_the_text(size: int) -> None:
    """Wherever tokens cut a text, and where no token spells it, its pieces give it to the letter."""
    cuts = [*range(0, len(EVIL), size), len(EVIL)]
    spans = [TokenSpan(begin, end, 3.0, 1.0 + begin % 5) for begin, end in zip(cuts, cuts[1:], strict=False)]
    assert "".join(piece for piece, *_ in pieces(map_of(EVIL, spans))) == EVIL
    some = [span for place, span in enumerate(spans) if not place % 2]
    assert EVIL.startswith("".join(piece for piece, *_ in pieces(map_of(EVIL, some))))


def test_the_sentence_has_the_numbers() -> None:
    """Share, count, both means and the ratio stand in one sentence; a tie is no gain."""
    pieces = [
        TokenSpan(0, 1, 3.0, 1.0),
        TokenSpan(1, 2, 2.0, 2.0),
        TokenSpan(2, 3, 1.0, 2.0),
        TokenSpan(3, 4, 4.0, 3.0),
    ]
    assert sentence(map_of("abcd", pieces)) == (
        "Once the instruction is known, 50% of 4 tokens become easier; the loss falls from 2.50 to 2.00 nats a token "
        "(IFD 0.61)."
    )


@pytest.mark.parametrize("status", [MapStatus.NO_TARGET, MapStatus.NON_FINITE, MapStatus.OTHER_TOKENS])
def test_a_map_without_pieces_says_why(status: MapStatus) -> None:
    """Where there is nothing to draw, a sentence says why."""
    block = block_of(TokenMap(Part.RESPONSE, "x", status))
    assert block["pieces"] == []
    assert len(block["says"]) > 30


def test_strength_and_direction_go_with_each_piece() -> None:
    """From 0.1 nats on a piece has a strength of 1 to 4, negative where it became harder, and its numbers."""
    found = map_of("abcd", [TokenSpan(0, 1, 3.0, 0.5), TokenSpan(1, 2, 1.0, 3.5), TokenSpan(2, 3, 1.0, 1.05),
                            TokenSpan(3, 4, 1.0, 0.5)])  # fmt: skip
    assert pieces(found) == [
        ("a", 4, "3.00 → 0.50 nats: 2.50 easier"),
        ("b", -4, "1.00 → 3.50 nats: 2.50 harder"),
        ("c", 0, "1.00 → 1.05 nats: 0.05 harder"),
        ("d", 2, "1.00 → 0.50 nats: 0.50 easier"),
    ]
    assert block_of(found)["changed"][0] == ("a", "3.00 → 0.50 nats: 2.50 easier")


def test_a_long_text_is_drawn_in_part_and_says_so() -> None:
    """Of a text of 100,000 characters the first pieces are drawn, and a note says how many; a vast piece is cut."""
    text = "word " * 20_000
    spans = [TokenSpan(at, at + 5, 2.0, 1.0) for at in range(0, len(text), 5)]
    block = block_of(map_of(text, spans))
    assert block["notes"] == [f"The first {MOST_PIECES:,} of 20,000 pieces are drawn."]
    assert len(block["pieces"]) == MOST_PIECES
    assert len(pieces(map_of(text, [TokenSpan(0, len(text), 2.0, 1.0)]))[0][0]) < 10_000


def test_a_cut_text_says_where() -> None:
    """A truncated text says after how many of its characters max length cut it."""
    found = map_of("abcdef", [TokenSpan(0, 2, 1.0, 2.0)], MapStatus.TRUNCATED)
    assert block_of(found)["notes"] == ["Max length cut the text after 2 of 6 characters."]
