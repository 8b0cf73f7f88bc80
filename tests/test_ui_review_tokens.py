"""Token losses on the Review screen: what shows by itself, what the button does, and which errors are sentences."""

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

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
from srt_core.ui.review.tokens import MOST_PIECES, Version, maps_html, sentence
from srt_core.ui.server.runtime import Project
from tests.screens import APP, finish, log_in, served, words
from tests.small_project import create_scored_project, save_student
from tests.tiny_students import byte_tokenizer, save, tiny_llama

EVIL = (
    '<script>alert(1)</script><img src="http://198.51.100.7/a.png" onerror="x()"> '
    "\"q' &amp; ![x](http://198.51.100.7/b.png) $x$\n\n</div>"
)
TAGS = {"div", "span", "b", "details", "summary", "table", "tr", "td", "code"}
ATTRIBUTES = {"style", "title", "dir", "aria-hidden"}


class Shown(HTMLParser):
    """What a browser makes of a block: its tags, its attributes and its text."""

    def __init__(self, block: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(block)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


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


def open_tab(sample: str = "") -> AppTest:
    """Open Review on its tab of token losses."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.switch_page("pages/6_Review.py")
    app.query_params["queue"] = "all"
    if sample:
        app.query_params["sample"] = sample
    app.session_state["review_tab"] = "Token losses"
    app.run()
    assert not app.exception
    return app


def blocks(app: AppTest) -> str:
    return "".join(block.proto.body for block in app.get("html"))


def sample_at(project: Project, place: int) -> str:
    return str(project.store.rows("SELECT sample_id FROM sample ORDER BY seq")[place]["sample_id"])


def subject_of(project: Project, sample: str, origin: Origin) -> MapSubject:
    return MapSubject("score", candidates.candidates(project.store, sample)[origin].candidate_id)


def wanted_of(project: Project) -> StudentChoice:
    return StudentChoice(str(project.store.path.parent / "student"), "auto", "float32")


def offers(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.key == "show_tokens"]


def test_kept_maps_show_at_once(project: Project) -> None:
    """What was computed before is drawn without any student, for the original and the candidate in question."""
    sample = sample_at(project, 0)
    student = load_student(project.store.path.parent / "student", device="cpu")
    maps = [
        explain(project.store, student, subject_of(project, sample, origin))
        for origin in candidates.candidates(project.store, sample)
    ]
    shutil.rmtree(project.store.path.parent / "student")
    app = open_tab(sample)
    assert offers(app) == []
    assert "Once the instruction is known" in blocks(app)
    assert sentence(maps[0][Part.RESPONSE]) in Shown(blocks(app)).text
    assert project.jobs.latest("explain") is None


def test_no_student_is_loaded_that_is_not_allowed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose student the project file names, its path is for the server to allow, and is not told to a curator."""
    log_in(monkeypatch, "ben", "curator")
    app = open_tab(sample_at(project, 0))
    app.button(key="show_tokens").click().run()
    assert not app.exception
    assert "student may not be named here" in words(app)
    assert str(project.store.path.parent) not in words(app)
    assert project.jobs.latest("explain") is None


def test_the_button_computes_and_the_next_sample_follows_by_itself(project: Project) -> None:
    """The first time a button loads the student; once it is loaded, opening the tab on another sample is enough."""
    sample = sample_at(project, 0)
    app = open_tab(sample)
    assert offers(app) == ["Show token losses"]
    app.button(key="show_tokens").click().run()
    assert not app.exception
    app = finish(project, "explain", app)
    assert "Once the instruction is known" in blocks(app)
    assert stored_maps(project.store, subject_of(project, sample, Origin.ORIGINAL))
    first = project.jobs.latest("explain")
    app = open_tab(sample_at(project, 1))
    assert offers(app) == []
    job = project.jobs.latest("explain")
    assert job is not None and job is not first
    assert "Once the instruction is known" in blocks(finish(project, "explain", app))


def test_a_closed_tab_computes_nothing(project: Project) -> None:
    """With a student loaded and another tab open, no job starts."""
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
    app = open_tab(sample_at(project, 0))
    app.button(key="show_tokens").click().run()
    app = finish(project, "explain", app)
    assert "holds no student" in words(app)
    assert "Give the folder" in words(app)
    assert offers(app) == ["Try again"]


def test_another_student_in_the_folder_is_a_sentence(project: Project) -> None:
    """Where the folder holds another student by now, the page says so and computes no map; it does not try for ever."""
    tokenizer = byte_tokenizer(has_bos=True)
    save(project.store.path.parent / "student", tiny_llama(len(tokenizer), hidden=64), tokenizer)
    app = open_tab(sample_at(project, 0))
    app.button(key="show_tokens").click().run()
    app = finish(project, "explain", app)
    assert "is another one, or has changed since" in words(app)
    assert "score again" in words(app)
    job = project.jobs.latest("explain")
    app.run()
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
    app = open_tab(sample_at(project, 0))
    assert said in "\n".join(caption.value for caption in app.caption)
    assert offers(app) == []


def test_an_edit_shows_its_scores_and_is_explained(project: Project) -> None:
    """A standing edit says that it waits for scoring, then its scores, and has a map of its own text."""
    sample = sample_at(project, 0)
    pair = candidates.candidates(project.store, sample)[Origin.ORIGINAL].pair
    edited = Pair(pair.instruction, "A response by hand <b>.", pair.input)
    event = decisions.decide(
        project.store, Decision(sample, Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None
    )
    assert "Edited: not scored yet; score again to see it." in words(open_tab(sample))
    student = load_student(project.store.path.parent / "student", device="cpu")
    for _ in score(project.store, student, load_template("alpaca")):
        pass
    app = open_tab(sample)
    (found,) = project.store.rows("SELECT * FROM edit_score")
    assert f"Edited: IFD {found['ifd']:.2f}, r-IFD {found['r_ifd']:.2f}" in words(app)
    app.button(key="show_tokens").click().run()
    app = finish(project, "explain", app)
    assert stored_maps(project.store, MapSubject("edit_score", event))[Part.RESPONSE].text == edited.response
    assert "A response by hand <b>." in Shown(blocks(app)).text


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


# ---- the drawing alone


def map_of(text: str, pieces: list[TokenSpan], status: MapStatus = MapStatus.OK) -> TokenMap:
    alone = [piece.alone for piece in pieces if piece.alone is not None]
    given = [piece.given for piece in pieces if piece.given is not None]
    mean_alone, mean_given = sum(alone) / len(alone), sum(given) / len(given)
    return TokenMap(Part.RESPONSE, text, status, tuple(pieces), mean_alone, mean_given, len(alone), len(given))


def draw(found: TokenMap, label: str = "Original") -> str:
    return maps_html({Version(label, "#808080", MapSubject("score", 1), "ok"): {Part.RESPONSE: found}})


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_hostile_text_is_text(size: int) -> None:
    """Markup in a text, wherever tokens cut it, adds no tag and no attribute: a browser shows it to the letter."""
    cuts = [*range(0, len(EVIL), size), len(EVIL)]
    pieces = [TokenSpan(begin, end, 3.0, 1.0 + begin % 5) for begin, end in zip(cuts, cuts[1:], strict=False)]
    shown = Shown(draw(map_of(EVIL, pieces)))
    assert shown.tags <= TAGS
    assert shown.attributes <= ATTRIBUTES
    assert EVIL in shown.text.replace("↵\n", "\n")


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
    found = TokenMap(Part.RESPONSE, "x", status)
    assert sentence(found) in Shown(draw(found)).text
    assert len(sentence(found)) > 30


def test_strength_and_direction_show_without_colour_where_they_matter() -> None:
    """The strongest gains have a straight line, the strongest losses a wavy one; small changes have no colour."""
    block = draw(map_of("abc", [TokenSpan(0, 1, 3.0, 0.5), TokenSpan(1, 2, 1.0, 3.5), TokenSpan(2, 3, 1.0, 1.05)]))
    body = block[block.index("border-top") :]
    assert 'underline solid;text-underline-offset:4px" title="3.00 → 0.50 nats: 2.50 easier">a<' in body
    assert 'underline wavy;text-underline-offset:4px" title="1.00 → 3.50 nats: 2.50 harder">b<' in body
    assert '<span style="" title="1.00 → 1.05 nats: 0.05 harder">c<' in body


def test_a_long_text_is_drawn_in_part_and_says_so() -> None:
    """Of a text of 100,000 characters the first pieces are drawn, and the page says how many; a vast piece is cut."""
    text = "word " * 20_000
    pieces = [TokenSpan(at, at + 5, 2.0, 1.0) for at in range(0, len(text), 5)]
    block = draw(map_of(text, pieces))
    assert f"The first {MOST_PIECES:,} of 20,000 pieces are drawn." in Shown(block).text
    assert len(block) < 200_000
    assert len(draw(map_of(text, [TokenSpan(0, len(text), 2.0, 1.0)]))) < 10_000


def test_a_cut_text_says_where() -> None:
    """A truncated text says after how many of its characters max length cut it."""
    found = map_of("abcdef", [TokenSpan(0, 2, 1.0, 2.0)], MapStatus.TRUNCATED)
    assert "Max length cut the text after 2 of 6 characters." in Shown(draw(found)).text
