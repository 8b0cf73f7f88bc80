"""Several teachers on this machine: they are drawn, people's choices reward them, and p follows from the log alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.methods import METHODS
from srt_core.methods.star_agents import (
    BEST_BY_REWARD,
    replayed,
    updated,
)
from srt_core.people import People, people_path, save
from srt_core.people.allowed import Kind
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin
from srt_core.reflect.arms.rewards import arm_states, keep_up, steps_of
from srt_core.review.decisions import decide, undo
from srt_core.review.notes import Beside
from srt_core.review.presses.writes import versions_shown
from srt_core.review.queues import QUEUES
from srt_core.review.trust.audits import Population
from srt_core.review.trust.audits import draw as draw_audit
from srt_core.review.trust.blind import Marks, read_within
from srt_core.select.derive import refresh
from srt_core.select.selection import apply
from srt_core.steps.reflect import REFLECT
from srt_core.steps.trial import TRIAL
from srt_core.ui.reflect.teacher import SEVERAL
from srt_core.ui.review.cards import card
from srt_core.ui.review.seat import Seat
from srt_core.ui.sample.summary import read_sample
from srt_core.vectors.encodings import Recipe
from srt_core.vectors.keeping import encode
from tests.command_line import DONE_WITH_FAILURES, called, refused
from tests.killing import worker
from tests.reflecting import place_project, walk
from tests.screens import finish, log_in, open_screen, served, words
from tests.servers.server import FaultServer, running
from tests.teaching_server import running_teaching_server
from tests.test_vectors import Letters

REFLECT_PAGE = "pages/2_Reflect.py"
NAMES = ("good", "fair", "poor")


@pytest.fixture(scope="module")
def servers() -> Iterator[list[FaultServer]]:
    with running_teaching_server() as one, running_teaching_server() as two, running(FaultServer()) as three:
        yield [one, two, three]


def write_arms(folder: Path, servers: list[FaultServer], head: str = "floor = 0.01", third: str = "teach") -> Path:
    """Write a file of three arms; the third one's server behaves as asked."""
    ways = ["teach", "teach", third]
    arms = [
        f'[[arm]]\nname = "{name}"\nbase_url = "{server.url(way)}"\nmodel = "{name}"\n'
        for name, server, way in zip(NAMES, servers, ways, strict=True)
    ]
    path = folder / "arms.toml"
    path.write_text("\n".join([head, *arms]), encoding="utf-8")
    return path


def reflect(path: Path, arms: Path, *more: str) -> str:
    finished = called("reflect", path, "--arms", arms, "--draw", 2, "--seed", 0, *more)
    assert finished.returncode == DONE_WITH_FAILURES, finished  # some replies of these teachers cannot be used
    return finished.stdout


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, servers: list[FaultServer]) -> Path:
    """A project of 24 originals, of which 18 have teachers drawn that wrote; to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    path = place_project(folder / "p.srt", 24)
    assert "good: p 0.333" in reflect(path, write_arms(folder, servers), "--draw-for", "18")
    return path


def draws(store: Store) -> list[Row]:
    return store.rows("FROM arm_draw ORDER BY sample_id, place")


def choose(store: Store, sample: str, name: str) -> int:
    """Choose a version that the arm of this name wrote."""
    row = store.rows(
        """SELECT candidate_id, origin FROM candidate JOIN arm USING (producer) WHERE sample_id = ? AND name = ?
           ORDER BY candidate_id LIMIT 1""",
        [sample, name],
    )[0]
    event = store.value("SELECT event_id FROM standing WHERE sample_id = ?", [sample])
    decision = Decision(sample, Action.CHOOSE, "ann", Origin(row["origin"]), candidate_id=row["candidate_id"])
    return decide(store, decision, expected_event_id=event)


def p_now(store: Store) -> list[float]:
    return list(store.value("SELECT p_after FROM arm_step ORDER BY step DESC LIMIT 1"))


def both_drawn(store: Store, *names: str) -> list[str]:
    """Samples that these arms, and no other, were drawn for and wrote a response of."""
    rows = store.rows(
        """SELECT sample_id FROM arm_draw JOIN arm USING (producer)
           JOIN candidate USING (sample_id, producer) WHERE origin = 'RESPONSE'
           GROUP BY sample_id HAVING list(name ORDER BY name) = list_sort(?) ORDER BY sample_id""",
        [list(names)],
    )
    return [row["sample_id"] for row in rows]


def test_choices_reward_and_an_undo_corrects(tmp_path: Path, servers: list[FaultServer], begun: Path) -> None:
    """Draws are kept, a choice is a step, its undo another, and p is what the log says when it is played again."""
    path = Path(shutil.copy(begun, tmp_path))
    with Store.open(path) as store:
        before = draws(store)
        assert len(before) == 36
        assert [row["p"] for row in before] == pytest.approx([1 / 3] * len(before))
        wrote = store.rows(
            """SELECT DISTINCT sample_id, producer FROM candidate WHERE origin <> 'ORIGINAL'
               EXCEPT SELECT sample_id, producer FROM arm_draw"""
        )
        assert wrote == []
        first, second = both_drawn(store, "good", "poor")[:2]
        choose(store, first, "good")
        event = choose(store, second, "poor")
        assert keep_up(store).steps == 2
        assert keep_up(store).steps == 0
        assert p_now(store) == pytest.approx(updated(updated([1 / 3] * 3, 0, 1.0, 0.3, 0.01), 2, 1.0, 0.3, 0.01))
        undo(store, event, "ann")
        assert keep_up(store).corrections == 1
        assert p_now(store) == pytest.approx(updated([1 / 3] * 3, 0, 1.0, 0.3, 0.01))
        choose(store, first, "poor")
        found = keep_up(store)
        assert (found.steps, found.corrections) == (1, 1)
        assert p_now(store) == pytest.approx(updated([1 / 3] * 3, 2, 1.0, 0.3, 0.01))
        assert p_now(store) == replayed(steps_of(store))
        assert [each.chosen for each in arm_states(store)] == [0, 0, 1]
        walk(encode(store, Letters("aeo"), Recipe.PAIR))
    reflect(path, write_arms(tmp_path, servers, head="floor = 0.01\nnear = 2"))
    with Store.open(path) as store:
        after = draws(store)
        won = store.rows("SELECT DISTINCT name FROM arm_draw JOIN arm USING (producer) WHERE near")
        assert [row["name"] for row in won] == ["poor"]
        assert [row for row in after if row in before] == before
        assert len(after) == 48
        assert {row["p"] for row in after} - {row["p"] for row in before} == set(p_now(store))
    assert "correction" in called("teachers", path, "--steps", 9).stdout


def test_the_policy_takes_the_best_by_reward(tmp_path: Path, begun: Path) -> None:
    """Where two teachers wrote, the version of the more likely one is taken, and after a choice that of the other."""
    path = Path(shutil.copy(begun, tmp_path))
    policy = next(each for each in METHODS["star_agents"].policies if each.name == "best-by-reward-unscored")
    assert policy.producer == BEST_BY_REWARD
    with Store.open(path) as store:
        first, second = both_drawn(store, "good", "poor")[:2]
        apply(store, policy, "ann")
        for winner in ("poor", "good"):
            choose(store, first, winner)
            keep_up(store)
            refresh(store)
            taken = store.value(
                """SELECT name FROM selection JOIN candidate USING (candidate_id) JOIN arm USING (producer)
                   WHERE selection.sample_id = ?""",
                [second],
            )
            assert taken == winner
        assert store.value("SELECT count(*) FROM panel WHERE has_response AND response_id IS NULL") == 0


def test_a_teacher_that_fails_holds_up_no_other(tmp_path: Path, servers: list[FaultServer]) -> None:
    """The others write all of theirs, the error names it, and the same command with it mended draws nothing anew."""
    path = place_project(tmp_path / "p.srt", 6)
    broken = write_arms(tmp_path, servers, third="quota")
    said = refused(called("reflect", path, "--arms", broken, "--draw", 2))
    assert "poor: The teacher" in said
    assert "The other 2 teachers are done." in said
    with Store.open(path) as store:
        before = draws(store)
        assert store.value("SELECT count(*) FROM candidate WHERE origin <> 'ORIGINAL'") > 0
    write_arms(tmp_path, servers)
    reflect(path, broken)
    with Store.open(path) as store:
        assert draws(store) == before
        assert all(each.written for each in arm_states(store))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has 0 arms"),
        ("[[arm]\n", "is no TOML"),
        ('[[arm]]\nname = "a"\n', "has 1 arms"),
        ('[[arm]]\nmodel = "a"\n', "Arm 1"),
        ('[[arm]]\nname = "a"\ncolour = "red"\n[[arm]]\nname = "b"\n', "says colour"),
        ('floor = 0.5\n[[arm]]\nname = "a"\n[[arm]]\nname = "b"\n', "floor 0.5"),
        ('small = 1\n[[arm]]\nname = "a"\n[[arm]]\nname = "b"\n', "two scorings"),
        ('[[arm]]\nname = "a"\n[[arm]]\nname = "b"\n', "No teacher was given"),
        ('[[arm]]\nname = "a"\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n' * 2, "have one name"),
        ('[[arm]]\nname = "a"\ntemperature = "hot"\n[[arm]]\nname = "b"\n', "says temperature"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """Nothing is stored of a file of arms that says too little, or what nobody knows; the error says what to do."""
    arms = tmp_path / "arms.toml"
    arms.write_text(text, encoding="utf-8")
    with Store.open(place_project(tmp_path / "p.srt", 2)) as store:
        with pytest.raises(SRTError) as error:
            walk(REFLECT.walk(store, {"arms": str(arms)}))
        assert says in error.value.message
        assert error.value.hint
        with pytest.raises(SRTError, match="several teachers"):
            walk(TRIAL.walk(store, {"arms": str(arms), "samples": 1}))
        assert store.value("SELECT count(*) FROM arm") == 0


RUN_NEEDS = """
import sys
from contextlib import closing
from pathlib import Path
from srt_core.project.store import Store
from srt_core.steps.reflect import REFLECT
"""
RUN = """
with Store.open(Path(sys.argv[1])) as store:
    asked = {"arms": sys.argv[2], "seed": 0, "draw": 2, "concurrency": 2}
    with closing(REFLECT.walk(store, asked)) as steps:
        for progress in steps:
            print(progress.done, flush=True)
"""


def test_a_killed_run_goes_on_with_its_draws(tmp_path: Path, servers: list[FaultServer]) -> None:
    """Killed amid draws and calls, the same command ends with the draws and versions of a run that nobody killed."""
    arms = write_arms(tmp_path, servers)
    whole = place_project(tmp_path / "whole.srt", 8)
    reflect(whole, arms)
    killed = place_project(tmp_path / "killed.srt", 8)
    with worker(RUN_NEEDS, RUN, killed, arms) as process:
        for lines in (1, 9):
            assert process.end_at(lines) == -9
    reflect(killed, arms)
    with Store.open(whole) as one, Store.open(killed) as other:
        assert draws(one) == draws(other)
        texts = "SELECT sample_id, origin, producer, instruction, response FROM candidate ORDER BY ALL"
        assert one.rows(texts) == other.rows(texts)
        assert one.value("SELECT count(*) FROM arm_step") == other.value("SELECT count(*) FROM arm_step") == 1


def test_a_reward_is_what_was_said_times_the_gap(tmp_path: Path, servers: list[FaultServer], begun: Path) -> None:
    """Fine beside another is half, the gap is a share of the largest of what was shown, and unscored choices wait."""
    path = Path(shutil.copy(begun, tmp_path))
    with Store.open(path) as store, store.transaction() as tx:
        for number in (1, 2):
            tx.execute(
                """INSERT INTO scoring (student, fingerprint, dtype, template, template_hash, template_texts,
                                        convention, max_length) VALUES ('s', ?, 'float32', 'a', 'h', '{}', 'c', 9)""",
                [str(number)],
            )
    reflect(path, write_arms(tmp_path, servers, head="floor = 0.0\nsmall = 1\nlarge = 2"), "--draw-for", "1")
    with Store.open(path) as store:
        sample = both_drawn(store, "fair", "good")[0]
        shown = store.rows(
            """SELECT candidate_id FROM candidate LEFT JOIN arm USING (producer)
               WHERE sample_id = ? AND origin IN ('ORIGINAL', 'RESPONSE') ORDER BY name NULLS FIRST""",
            [sample],
        )
        original, fair, good = (row["candidate_id"] for row in shown)
        audit = draw_audit(store, Population(), "all", 24, "ann")
        seen = versions_shown(store, audit, sample, "ann")
        assert {original, fair, good} <= set(seen)
        with store.transaction() as tx:
            read_within(tx, audit, sample, Marks(seen, tuple(key for key in seen if key in (fair, good))), "ann")
        assert keep_up(store).waiting == 1
        gaps = {original: -0.1, fair: 0.1, good: 0.2}
        with store.transaction() as tx:
            for key in seen:
                for scoring, ifd in ((1, 0.5 + gaps.get(key, 0.0)), (2, 0.5)):
                    tx.execute(
                        """INSERT INTO score (scoring_id, candidate_id, ifd, tokens_y, tokens_x, status)
                           VALUES (?, ?, ?, 1, 1, 'ok')""",
                        [scoring, key, ifd],
                    )
            tx.bump()
        assert keep_up(store).steps == 2
        found = {row["name"]: row for row in store.rows("FROM arm_step JOIN arm USING (producer)")}
        assert (found["good"]["judged"], found["fair"]["judged"]) == (0.5, 0.5)
        assert found["good"]["reward"] == pytest.approx(0.5)
        assert found["fair"]["reward"] == pytest.approx(0.25)
        assert p_now(store) == pytest.approx(updated(updated([1 / 3] * 3, 0, 0.5, 0.3), 1, 0.25, 0.3))
        assert p_now(store) == replayed(steps_of(store))


def test_review_offers_what_both_teachers_wrote(tmp_path: Path, begun: Path) -> None:
    """The desk's card has the other teacher's versions by further keys and does not say who wrote them."""
    path = Path(shutil.copy(begun, tmp_path))
    with Store.open(path) as store:
        sample = both_drawn(store, "fair", "good")[0]
        found = read_sample(store, sample)
        told = card(found, Seat("ann", "all", QUEUES["all"]), Beside(), None, is_blind=False, unscored="")
        written = store.value("SELECT count(*) FROM candidate WHERE sample_id = ?", [sample])
        assert len({each["candidate"] for each in told["versions"]}) == written
        assert len({each["place"] for each in told["versions"]}) == written
        assert {"Response", "Response 2"} <= {each["label"] for each in told["versions"]}
        assert not [each for each in told["versions"] if "127.0.0.1" in str(each)]
        assert len(found.in_card) == written


def test_reflect_starts_several_teachers_and_draws_p(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, servers: list[FaultServer]
) -> None:
    """Reflect takes a file of teachers and shows how likely each is; whoever logs in names none that is not allowed."""
    arms = write_arms(tmp_path, servers)
    with served(monkeypatch, place_project(tmp_path / "own.srt", 6)) as project:
        app = open_screen(REFLECT_PAGE)
        assert "Teachers to draw from" not in words(app)
        app.segmented_control(key="teacher_way").set_value(SEVERAL).run()
        app.text_input(key="arms_path").set_value(str(arms)).run()
        app.button(key="start_reflect").click().run()
        finish(project, "reflect", app)
        assert "6 samples have teachers drawn; 0 rewards so far." in words(app)
        assert {"good", "fair", "poor"} <= set(app.dataframe[0].value["Teacher"])
        before = project.store.value("SELECT count(*) FROM job")
        save(people_path(), People("0" * 64).allow(Kind.FOLDER, str(tmp_path)))
        log_in(monkeypatch, "cy", "owner")
        app = open_screen(REFLECT_PAGE)
        app.segmented_control(key="teacher_way").set_value(SEVERAL).run()
        app.text_input(key="arms_path").set_value(str(arms)).run()
        app.button(key="start_reflect").click().run()
        assert "may not be named here" in words(app)
        assert project.store.value("SELECT count(*) FROM job") == before
