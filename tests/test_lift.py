"""LIFT: the worked numbers of variety and quality, rounds of harder samples, judgements that fail and stay nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from srt_core.methods.lift import Moments, limit_of, quality, total_of, variety
from srt_core.project.store import Store
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.page import read_page
from srt_core.review.retracting import retract
from tests.answering import answering
from tests.command_line import DONE, DONE_WITH_FAILURES, called, refused
from tests.context_project import sample_ids
from tests.reflecting import project

EXACT = 1e-6
MATRIX = [[1, 2, 0, 1], [2, 1, 0, 0], [1, 1, 1, 2], [0, 2, 1, 1], [8, 9, 0, 1], [1, 2, 9, -8]]
ROW_VARIANCE = [0.128112907, 0.120978179, 0.302524301, 0.304640785, 4.849292927, 0.155550081]
FLIPPED = [0.254888467, 0.136106061, 0.257863019, 0.120911939, 0.2268127, 4.864516994]
MEAN_SQUARE = [0.383001375, 0.257084239, 0.56038732, 0.425552724, 5.076105627, 5.020067075]


def moments_of(rows: object, at_once: int = 4) -> Moments:
    """The moments of rows that come in several parts."""
    given = np.asarray(rows, dtype=float)
    found = Moments(given.shape[1])
    for first in range(0, len(given), at_once):
        found.add(given[first : first + at_once])
    return found


def test_variety_is_that_of_the_worked_example() -> None:
    """Scaling, components, signs, both numbers of a row, and what lies strictly above the 80th percentile."""
    found = moments_of(MATRIX).components()
    assert found.mean == pytest.approx([2.166666667, 2.833333333, 1.833333333, -0.5], abs=EXACT)
    assert found.scale == pytest.approx([2.671869924, 2.793842436, 3.236081306, 3.403429643], abs=EXACT)
    assert found.shares == pytest.approx([0.583289301, 0.976849863, 0.993764565, 1.0], abs=EXACT)
    assert len(found.loadings) == 2
    assert found.loadings == pytest.approx(
        np.array([[-0.507276475, -0.479908636, 0.521969364, -0.489802268],
                  [0.485951098, 0.525050171, 0.469243239, -0.51767232]]), abs=EXACT)  # fmt: skip
    across, square = variety(MATRIX, found)
    assert across == pytest.approx(ROW_VARIANCE, abs=EXACT)
    assert square == pytest.approx(MEAN_SQUARE, abs=EXACT)
    limit = limit_of(across, 20)
    assert limit == pytest.approx(0.304640785, abs=EXACT)
    assert [place for place, value in enumerate(across) if value > limit] == [4], "a tie at the limit is not kept"


def test_a_sign_changes_the_variance_and_not_the_mean_square() -> None:
    """The second component turned round makes another item the first by variance, none by mean square."""
    found = moments_of(MATRIX).components()
    found.loadings[1] *= -1
    across, square = variety(MATRIX, found)
    assert across == pytest.approx(FLIPPED, abs=EXACT)
    assert square == pytest.approx(MEAN_SQUARE, abs=EXACT)
    assert (int(across.argmax()), int(square.argmax())) == (5, 4)


def test_components_are_those_of_scikit_learn() -> None:
    """Parts of any size, far from the origin, with a constant number and one that repeats: the same as all at once."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    draw = np.random.default_rng(5)
    rows = draw.normal(size=(400, 6)) @ draw.normal(size=(6, 6)) + 1e4
    rows = np.c_[rows, np.full(400, 3.0), rows[:, 0]]
    found = moments_of(rows, 37).components()
    model = PCA(0.95).fit(StandardScaler().fit_transform(rows))
    scores = model.transform(StandardScaler().fit_transform(rows))
    assert len(found.loadings) == model.n_components_
    across, square = variety(rows, found)
    assert square == pytest.approx((scores**2).mean(axis=1), rel=1e-4)
    assert across == pytest.approx(scores.var(axis=1), rel=1e-4)
    with pytest.raises(ValueError, match="equal"):
        moments_of(np.ones((5, 3))).components()


def test_quality_is_that_of_the_worked_example() -> None:
    """Points and length against the 98th percentile; a part out of its bounds is no judgement."""
    characters, points = [10, 20, 30, 40, 500], [90, 85, 92, 60, 40]
    longest = float(np.percentile(characters, 98))
    assert longest == pytest.approx(463.2)
    found = [quality(total, length, longest) for total, length in zip(points, characters, strict=True)]
    assert found == pytest.approx([81.215889465, 76.931778929, 83.447668394, 54.863557858, 46.0], abs=EXACT)
    assert sorted(range(5), key=lambda place: -found[place])[:2] == [2, 0]
    parts = {"clarity": 12.0, "difficulty": 20.0, "explanation": 18.0, "accuracy": 35.0}
    assert total_of(parts) == 85
    for wrong in ({**parts, "clarity": 16.0}, {**parts, "accuracy": -1.0}, {"clarity": 1.0}, {**parts, "style": 1.0}):
        with pytest.raises(ValueError):
            total_of(wrong)


def harder(asked: str) -> str:
    """A teacher that makes a pair harder, but says nothing usable of one of them."""
    pair = json.loads(asked)
    if "number 1" in pair["instruction"] or pair["instruction"].startswith("Harder:"):
        return "I would rather not."
    made = {"instruction": f"Harder: {pair['instruction']}", "input": "", "response": f"Because {pair['response']}"}
    return f"```json\n{json.dumps(made)}\n```"


ROWS = [{"instruction": f"Name number {place}", "input": "", "output": f"It is {place}."} for place in range(4)]


def test_samples_are_made_harder_in_rounds(tmp_path: Path) -> None:
    """Each new pair is a sample with its parent and its round; a failure is told and asked again, nothing else is."""
    path = tmp_path / "p.srt"
    with project(path, ROWS) as store:
        retract(store, "seq = 4", {}, "They asked.", "Ann")
    assert "No teacher was given" in refused(called("expand", path))
    asked: list[str] = []

    def reply(text: str) -> str:
        asked.append(json.loads(text)["instruction"])
        return harder(text)

    with answering(reply) as url:
        for rounds, calls in ((1, 3), (2, 3), (2, 3)):
            asked.clear()
            done = called("expand", path, "--rounds", rounds, "--base-url", url, "--model", "m", "--key-variable", "")
            assert len(asked) == calls, "what failed is asked again: one of the first round, both of the second"
            if rounds == 1:
                assert done.returncode == DONE_WITH_FAILURES
                assert "Round 1: 2 samples made, 0 known before, 1 failed." in done.stdout
                assert "round 1: the reply is no JSON object" in done.stderr
    with Store.open(path) as store:
        names = sample_ids(store)
        rows = store.rows(
            """SELECT parent, extra, instruction, response FROM sample JOIN candidate USING (sample_id)
               WHERE parent IS NOT NULL ORDER BY seq"""
        )
        assert [(row["parent"], json.loads(row["extra"])) for row in rows] == [
            (names[0], {"round": 1}), (names[2], {"round": 1}),
        ]  # fmt: skip
        assert (rows[0]["instruction"], rows[0]["response"]) == ("Harder: Name number 0", "Because It is 0.")
        assert store.value("SELECT count(*) FROM expansion WHERE status = 'failed' AND sample_id IS NULL") == 3


def test_a_judge_that_fails_gives_no_number(tmp_path: Path) -> None:
    """Its row says why, and has no points; people's points stand above a judge's; the rule can keep by quality."""
    path = tmp_path / "p.srt"
    project(path, ROWS).close()
    said = {"0": '{"clarity": 15, "difficulty": 20, "explanation": 20, "accuracy": 35}', "1": "none",
            "2": '{"clarity": 99, "difficulty": 20, "explanation": 20, "accuracy": 35}',
            "3": '{"clarity": 5, "difficulty": 5, "explanation": 5, "accuracy": 5}'}  # fmt: skip
    with answering(lambda text: said[json.loads(text)["instruction"][-1]]) as url:
        done = called("judge", path, "--base-url", url, "--model", "m", "--key-variable", "")
    assert done.returncode == DONE_WITH_FAILURES
    assert "2 versions judged, 55.0 of 100 points on average, 2 failed and have no number." in done.stdout
    assert "clarity is 99, and can be 0 to 15" in done.stderr
    assert "Give four" in refused(called("rate", path, 4, 1, 2, 3))
    assert "explanation is 26" in refused(called("rate", path, 4, 1, 2, 26, 3))
    assert "no version RESPONSE" in refused(called("rate", path, 4, 1, 2, 3, 4, "--version", "RESPONSE"))
    assert "100 of 100 points by Ann" in called("rate", path, 4, 15, 25, 25, 35, "--by", "Ann").stdout
    assert called("select", path, "--preset", "lift", "--set", "top_share=50").returncode == DONE
    with Store.open(path) as store:
        rows = store.rows(
            "SELECT subject_id, value FROM measurement WHERE measure = 'lift_quality' ORDER BY subject_id"
        )
        assert [row["value"] for row in rows] == pytest.approx([0.9 * 90 + 10, 100.0])
        failed = store.rows("SELECT total, clarity, detail FROM judgement WHERE status = 'failed'")
        assert len(failed) == 2 and all(
            row["total"] is None and row["clarity"] is None and row["detail"] for row in failed
        )
        kept = read_page(store, Filter(reason=("kept",)), "number", 10, 0)
        assert [row.seq for row in kept] == [4], "half of the two that have a number"


def test_variety_is_a_number_of_samples(tmp_path: Path) -> None:
    """Planted outliers are found; what has no vector has no number, and takes no other's place; the limit selects."""
    path = tmp_path / "p.srt"
    project(path, [*ROWS, *ROWS, {"instruction": "Why?", "input": "", "output": "Just so."}]).close()
    assert "srt encode" in refused(called("vary", path))
    draw = np.random.default_rng(3)
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute("INSERT INTO encoding (encoder, fingerprint, recipe, dimensions) VALUES ('t', 'f', 'pair', 4)")
        tx.set_meta("encoding_id", "1")
        ids = [key for (key,) in tx.execute("SELECT candidate_id FROM candidate ORDER BY candidate_id")]
        rows = draw.normal(size=(len(ids), 4))
        rows[3] *= 4
        vectors = [[float(each) for each in row] for row in rows]
        tx.append("vector", ["encoding_id", "candidate_id", "text_hash", "vector", "status"],
                  [(1, key, str(key), vector if place else None, "ok" if place else "undefined")
                   for place, (key, vector) in enumerate(zip(ids, vectors, strict=True))])  # fmt: skip
    done = called("vary", path, "--keep", 20)
    assert done.returncode == DONE, done.stderr
    assert "1 sample has no vector, and no number" in done.stdout and "outliers" in done.stdout
    limit = done.stdout.split("min_row_variance=")[1].split()[0]
    assert called("select", path, "--preset", "lift", "--set", "top_share=100", "--set", "rank_by=ifd", "--set",
                  f"min_row_variance={limit}").returncode == DONE  # fmt: skip
    with Store.open(path) as store:
        found = {row["subject_id"]: row["value"] for row in store.rows(
            "SELECT subject_id, value FROM measurement WHERE measure = 'mean_square'")}  # fmt: skip
        assert max(found, key=lambda seq: found[seq]) == 4 and len(found) == len(ids) - 1 and 1 not in found
        across, square = variety(rows[1:].astype(np.float32), moments_of(rows[1:].astype(np.float32)).components())
        assert [found[seq] for seq in sorted(found)] == pytest.approx(square.tolist())
        assert store.value("SELECT count(*) FROM selection WHERE reason = 'not_varied'") > 0
        assert across.max() > float(limit)
