"""Recorded scores: checked against the texts they are of, put in like computed ones, and equal to what is computed."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from srt_core.errors import StudentError
from srt_core.importing.run import import_file
from srt_core.project.candidates import pair_hash, pair_of
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review.decisions import decide
from srt_core.score.explain import explain
from srt_core.score.recorded import Recording, read_recording, score_line, settings_line
from srt_core.score.scorings import UNSCORED, score_statuses, scoring_in_use
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.score.token_maps import MapSubject, Part, TokenMap, stored_maps, target_texts
from srt_core.steps.demo import REPLIES, SCORES, fill_demo
from srt_core.steps.reflect import REFLECT
from srt_core.steps.score import SCORE
from srt_core.ui.frame.students import why_not_scored
from tests.small_project import alpaca_rows, write_lines

NEAR = 1e-4
ROUNDED = 5.1e-5
"""Nats of a token that four decimals leave open."""


@pytest.fixture(scope="module")
def recording() -> Recording:
    """The recording that comes with the demo."""
    return read_recording(SCORES)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The demo with the rewrites of the samples that came later, and all that is recorded put in."""
    with Store.create(tmp_path_factory.mktemp("recorded") / "demo.srt") as store:
        walk(fill_demo(store))
        walk(REFLECT.walk(store, {"replay": REPLIES}))
        walk(SCORE.walk(store, {"replay": SCORES}))
        yield store


def walk(steps: Iterator[Any]) -> list[Any]:
    return list(steps)


def versions(store: Store) -> dict[int, Pair]:
    """Every candidate's pair."""
    rows = store.rows("SELECT candidate_id, instruction, input, response, context FROM pair")
    return {row["candidate_id"]: pair_of(row) for row in rows}


def test_the_recording_is_of_the_demos_texts(demo: Store, recording: Recording) -> None:
    """Each version of the demo is recorded, by the hash of its texts, and nothing else is."""
    assert {pair_hash(pair) for pair in versions(demo).values()} == recording.scores.keys()
    assert UNSCORED not in score_statuses(demo)


def test_the_recording_says_where_it_is_from(recording: Recording) -> None:
    """Command, date, weights and fingerprint are in the file; the template's texts are those that come with srt."""
    assert set(recording.made) == {"command", "date", "weights"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", recording.made["date"])
    assert "record_scores.py" in recording.made["command"]
    assert re.fullmatch(r"[0-9a-f]{64}", recording.settings.fingerprint)
    assert recording.settings.student == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert recording.settings.template == load_template("alpaca")


def test_token_losses_lie_in_their_texts(demo: Store, recording: Recording) -> None:
    """The spans of a map follow each other within its text, and its means are the losses of the score."""
    for candidate_id, pair in versions(demo).items():
        score = recording.scores[pair_hash(pair)]
        texts = target_texts(pair, recording.settings.convention)
        maps = stored_maps(demo, MapSubject("score", candidate_id))
        assert maps.keys() == set(Part)
        for part, found in maps.items():
            assert all(0 <= span.begin < span.end <= len(texts[part]) for span in found.spans)
            assert all(one.end <= other.begin for one, other in pairwise(found.spans))
            for mean, name in ((found.mean_alone, part), (found.mean_given, f"{part}_given_{other_of(part)}")):
                if found.spans:
                    assert mean == pytest.approx(score.losses[name].mean, abs=1e-5)


def other_of(part: Part) -> Part:
    return Part.INSTRUCTION if part is Part.RESPONSE else Part.RESPONSE


def test_recorded_scores_are_kept_like_computed_ones(demo: Store, recording: Recording) -> None:
    """Ratios follow from the losses, losses stand under their keys, and putting all in again adds nothing."""
    rows = demo.rows("SELECT exp(loss_y_given_x - loss_y) AS ifd, ifd AS kept FROM score WHERE ifd IS NOT NULL")
    assert all(row["ifd"] == pytest.approx(row["kept"], abs=1e-12) for row in rows)
    keys = {key for score in recording.scores.values() for key in score.keyed}
    assert {row["key"] for row in demo.rows("SELECT key FROM loss")} == keys
    counts = "SELECT (SELECT count(*) FROM score), (SELECT count(*) FROM loss), (SELECT count(*) FROM token_map)"
    before = demo.rows(counts)
    walk(SCORE.walk(demo, {"replay": SCORES}))
    assert demo.rows(counts) == before


def test_what_is_not_recorded_stays_without_a_score(tmp_path: Path) -> None:
    """Other pairs have no score, and the step says how many."""
    with Store.create(tmp_path / "p.srt") as store:
        walk(import_file(store, write_lines(tmp_path / "pairs.jsonl", alpaca_rows(3))))
        last = walk(SCORE.walk(store, {"replay": SCORES}))[-1]
        assert score_statuses(store) == {UNSCORED: 3}
    assert last.message == "3 are not in the recording and have no score."


def test_a_student_and_a_recording_are_not_mixed(demo: Store) -> None:
    """One run takes its scores from one of them."""
    with pytest.raises(StudentError, match="A student and a recording"):
        walk(SCORE.walk(demo, {"replay": SCORES, "student": "somebody/some-student"}))


@pytest.mark.parametrize(
    "changed",
    [
        lambda row: row.pop("losses"),
        lambda row: row["losses"].pop("x"),
        lambda row: row["losses"]["y"].update(mean=None),
        lambda row: row["losses"]["y"].update(status="fine"),
        lambda row: row["maps"]["y"].pop("ends"),
    ],
)
def test_a_line_that_is_no_score_is_named(tmp_path: Path, recording: Recording, changed: Any) -> None:
    """The error names the line; nothing is put in."""
    (name, score), *_ = recording.scores.items()
    line = score_line(Pair("Say it.", "Said."), score)
    changed(line)
    assert line["pair"] != name
    path = tmp_path / "scores.jsonl"
    lines = [settings_line(recording.settings, recording.made), line]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    with pytest.raises(StudentError, match=r"Line 2 of .*scores\.jsonl is no recorded score"):
        read_recording(path)


def test_an_edit_says_how_to_get_the_student(demo: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit has no score where the student is not on this machine; the command that gets it is said."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    sample = demo.value("SELECT sample_id FROM sample ORDER BY seq LIMIT 1")
    edited = Pair("Why does ice float?", "It is less dense than water.")
    decide(demo, Decision(sample, Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None)
    walk(SCORE.walk(demo, {"replay": SCORES}))
    assert demo.value("SELECT count(*) FROM edit_score") == 0
    said = why_not_scored(demo)
    assert "is not on this machine" in said
    assert f"srt score {demo.path} --student HuggingFaceTB/SmolLM2-135M-Instruct" in said


@pytest.mark.real
@pytest.mark.slow
def test_the_recording_is_what_the_student_computes(small_student: Path, recording: Recording, tmp_path: Path) -> None:
    """Each recorded loss and token loss, computed again by the real student, is the same to 1e-4 nats."""
    student = load_student(small_student, device="cpu", dtype="float32")
    assert student.fingerprint == recording.settings.fingerprint
    with Store.create(tmp_path / "demo.srt") as store:
        walk(fill_demo(store))
        walk(REFLECT.walk(store, {"replay": REPLIES}))
        walk(SCORE.walk(store, {"replay": SCORES}))
        assert scoring_in_use(store) is not None
        with store.transaction() as tx:
            tx.execute("DELETE FROM token_map")
        seen = set()
        for candidate_id, pair in versions(store).items():
            name = pair_hash(pair)
            if name not in seen:
                seen.add(name)
                maps = explain(store, student, MapSubject("score", candidate_id))
                for part, computed in maps.items():
                    check(recording, name, part, computed)


def check(recording: Recording, name: str, part: Part, computed: TokenMap) -> None:
    """Hold what was computed of one text to what is recorded."""
    recorded = recording.scores[name].maps[part]
    assert computed.status is recorded.status
    alone, given = (recording.scores[name].losses[key] for key in (str(part), f"{part}_given_{other_of(part)}"))
    assert computed.mean_alone == (alone.mean if not computed.spans else pytest.approx(alone.mean, abs=NEAR))
    assert computed.mean_given == (given.mean if not computed.spans else pytest.approx(given.mean, abs=NEAR))
    for one, other in zip(computed.spans, recorded.spans, strict=True):
        assert (one.begin, one.end) == (other.begin, other.end)
        assert one.alone == pytest.approx(other.alone, abs=NEAR + ROUNDED)
        assert one.given == pytest.approx(other.given, abs=NEAR + ROUNDED)
