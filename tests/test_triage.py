"""Triage: a model of the single decisions orders what is undecided, and is judged by decisions it had not seen."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from srt_core.errors import DecisionError
from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review.decisions import decide, decide_all
from srt_core.review.queues import QUEUES, coming, place
from srt_core.review.triage import CAP, NUMBERS, Accuracy, Relevance, accuracy, last_round, triage
from srt_core.vectors.encodings import Recipe
from srt_core.vectors.keeping import encode
from srt_core.vectors.regression import fit_logistic
from tests.command_line import DONE, called, refused
from tests.empty_project import create_empty
from tests.small_project import alpaca_rows, write_lines
from tests.test_vectors import Letters, run_through

SAMPLES = 60


class Points:
    """An encoder that puts a text where the table says."""

    def __init__(self, points: dict[str, Sequence[float]]) -> None:
        self.name = self.fingerprint = "points"
        self.dimensions = 2
        self.state: bytes | None = None
        self._points = points

    def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        return [self._points[text.splitlines()[0]] for text in texts]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Some originals, each with a vector of how often three letters are in it."""
    with create_empty(tmp_path / "p.srt") as store:
        run_through(import_file(store, write_lines(tmp_path / "p.jsonl", alpaca_rows(SAMPLES))))
        run_through(encode(store, Letters("aeo"), Recipe.PAIR))
    return tmp_path / "p.srt"


def sample_of(store: Store, seq: int) -> str:
    return str(store.value("SELECT sample_id FROM sample WHERE seq = ?", [seq]))


def is_kept(store: Store, seq: int) -> bool:
    text = str(store.value("SELECT response FROM candidate JOIN sample USING (sample_id) WHERE seq = ?", [seq]))
    return text.count("e") > 4


def judge(store: Store, seqs: Sequence[int]) -> None:
    """Keep what has many of one letter, leave out the rest."""
    for seq in seqs:
        action, origin = (Action.CHOOSE, Origin.ORIGINAL) if is_kept(store, seq) else (Action.REJECT, None)
        decide(store, Decision(sample_of(store, seq), action, "ann", origin=origin), expected_event_id=None)


def test_regression_is_that_of_scikit_learn_on_standardised_features() -> None:
    """Folding the standardisation into the weights changes no probability."""
    chance = np.random.default_rng(4)
    points = chance.normal(3, [0.1, 20, 1], size=(40, 3))
    labels = [int(each) for each in points[:, 0] + chance.normal(0, 0.1, 40) > 3]
    model = fit_logistic(points, labels)
    scaled = (points - points.mean(0)) / points.std(0)
    expected = LogisticRegression(max_iter=1_000).fit(scaled, labels).predict_proba(scaled)[:, 1]
    assert model.predict(points) == pytest.approx(expected, abs=1e-9)


def test_a_feature_that_is_constant_but_for_rounding_has_no_weight() -> None:
    """What differs in the last bits of numbers near 0 says nothing, and no weight is beyond all bounds."""
    chance = np.random.default_rng(4)
    points = np.column_stack([chance.normal(size=30), chance.normal(size=30) * 1e-44, np.full(30, 0.3)])
    model = fit_logistic(points, [int(each > 0) for each in points[:, 0]])
    assert model.weights[0] > 0
    assert model.weights[1:] == (0.0, 0.0)


@pytest.mark.parametrize("relevance", list(Relevance))
def test_a_round_is_computed_again_by_numpy(project: Path, relevance: Relevance) -> None:
    """p, r and q of every sample, from the stored numbers of the model and the vectors, worked out apart."""
    with Store.open(project) as store:
        judge(store, range(1, 25))
        run_through(triage(store, alpha=0.3, relevance=relevance))
        body = json.loads(store.value("SELECT body FROM triage_round"))
        rows = store.rows("SELECT * FROM triage JOIN sample USING (seq) JOIN panel USING (seq) ORDER BY seq")
        vectors = {
            row["sample_id"]: row["vector"]
            for row in store.rows("SELECT sample_id, vector FROM vector JOIN candidate USING (candidate_id)")
        }
        kept = store.rows("SELECT sample_id FROM standing WHERE action <> 'reject'")
        units = [np.array(vectors[row["sample_id"]]) for row in kept]
        units = [each / np.linalg.norm(each) for each in units]
        numbers = [body["means"][name] for name in NUMBERS]  # nothing is scored: each counts as the mean
        for row in rows:
            vector = np.array(vectors[row["sample_id"]], dtype=float)
            logit = body["intercept"] + np.dot(body["weights"], [*vector, *vector, *numbers])
            cosines = [float(vector @ unit / np.linalg.norm(vector)) for unit in units]
            r = max(cosines) if relevance is Relevance.MAX else sum(cosines) / len(cosines)
            assert row["p"] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
            assert row["r"] == pytest.approx(r, abs=1e-6)
            assert row["q"] == pytest.approx(0.3 * row["p"] + 0.7 * row["r"], abs=1e-9)


EXAMPLE = {"w": (1.0, 0.0), "x": (0.0, 1.0), "y": (0.8, 0.6), "z": (-1.0, 0.0)}
KEPT = ((1.0, 0.0), (0.6, 0.8))
EXPECTED = {Relevance.MAX: [1.0, 0.8, 0.96, -0.6], Relevance.MEAN: [0.8, 0.4, 0.88, -0.8]}


@pytest.mark.parametrize("relevance", list(Relevance))
def test_the_worked_example_of_relevance(tmp_path: Path, relevance: Relevance) -> None:
    """Four points beside two that were kept: the mean and the largest of their cosines, worked out by hand."""
    names = [*EXAMPLE, "kept 0", "kept 1", "left 0", "left 1"]
    points: list[Sequence[float]] = [*EXAMPLE.values(), *KEPT, (-1.0, -1.0), (0.0, -1.0)]
    rows = [{"instruction": name, "input": "", "output": "Yes."} for name in names]
    with create_empty(tmp_path / "p.srt") as store:
        run_through(import_file(store, write_lines(tmp_path / "p.jsonl", rows)))
        run_through(encode(store, Points(dict(zip(names, points, strict=True)))))
        for seq in (5, 6):
            kept = Decision(sample_of(store, seq), Action.CHOOSE, "ann", origin=Origin.ORIGINAL)
            decide(store, kept, expected_event_id=None)
        for seq in (7, 8):
            decide(store, Decision(sample_of(store, seq), Action.REJECT, "ann"), expected_event_id=None)
        run_through(triage(store, relevance=relevance))
        found = store.rows("SELECT r FROM triage WHERE seq <= 4 ORDER BY seq")
    assert [row["r"] for row in found] == pytest.approx(EXPECTED[relevance], abs=1e-6)


def test_only_both_kinds_of_single_decisions_make_a_round(project: Path) -> None:
    """One kind alone is refused with what to do, and an action on many samples is no label."""
    with Store.open(project) as store:
        with pytest.raises(DecisionError, match="0 single decisions to keep and 0 to leave out"):
            run_through(triage(store))
        judge(store, [seq for seq in range(1, SAMPLES) if is_kept(store, seq)][:4])
        decide_all(store, "true", {}, Action.REJECT, "ann", "all others")
        with pytest.raises(DecisionError, match="4 single decisions to keep and 0 to leave out"):
            run_through(triage(store))
        assert last_round(store) is None
    assert "a round needs 2 of each" in refused(called("triage", project))


def test_what_is_undecided_has_a_place(project: Path) -> None:
    """By turns the nearest to one half and the highest q; nothing decided has a place, and no subject comes first."""
    with Store.open(project) as store:
        judge(store, range(1, 21))
        with store.transaction() as tx:
            tx.execute("UPDATE kind SET cluster = if(hash(sample_id) % 4 = 0, 1, 0)")
        run_through(triage(store))
        rows = store.rows(
            """SELECT seq, p, q, place, cluster FROM triage JOIN sample USING (seq) JOIN kind USING (sample_id)
               ORDER BY place"""
        )
        placed = [row for row in rows if row["place"] is not None]
        assert {row["seq"] for row in placed} == set(range(21, SAMPLES + 1))
        assert [row["place"] for row in placed] == list(range(1, len(placed) + 1))
        by_half = sorted(placed, key=lambda row: (abs(row["p"] - 0.5), row["seq"]))
        by_q = sorted(placed, key=lambda row: (-row["q"], row["seq"]))
        turn = {row["seq"]: 2 * place for place, row in enumerate(by_half)}
        turn = {row["seq"]: min(turn[row["seq"]], 2 * place + 1) for place, row in enumerate(by_q)}
        within: dict[int, int] = {}
        blocks = {}
        for row in sorted(placed, key=lambda row: (turn[row["seq"]], row["seq"])):
            within[row["cluster"]] = within.get(row["cluster"], 0) + 1
            blocks[row["seq"]] = (within[row["cluster"]] - 1) // CAP
        expected = sorted(placed, key=lambda row: (blocks[row["seq"]], turn[row["seq"]], row["seq"]))
        assert [row["seq"] for row in placed] == [row["seq"] for row in expected]
        names = [sample_of(store, row["seq"]) for row in placed]
        queue = QUEUES["telling"]
        assert coming(store, queue, None, 5) == names[:5]
        decide(store, Decision(names[0], Action.REJECT, "ann"), expected_event_id=None)
        assert coming(store, queue, names[0], 4) == names[1:5]
        assert place(store, queue, names[2]).position == 3
        assert place(store, QUEUES["telling"], sample_of(store, 1)).position is None


def test_a_queue_without_a_round_is_empty(project: Path) -> None:
    """Before any round nothing tells more than the rest, and the queue says so by holding nothing."""
    with Store.open(project) as store:
        assert coming(store, QUEUES["telling"], None, 5) == []
        assert accuracy(store) == Accuracy(0, 0, 0)


def test_a_round_is_judged_by_what_came_after_it(project: Path) -> None:
    """Each decision counts once, against the last round before it, beside the label that was more frequent by then."""
    order = list(range(1, SAMPLES + 1))
    random.Random(1).shuffle(order)  # always the same: 30 decisions leave how many are predicted right to chance
    right = majority = 0
    with Store.open(project) as store:
        judge(store, order[:20])
        for first in range(20, 50, 10):
            run_through(triage(store))
            rows = store.rows("SELECT seq, p FROM triage WHERE round = ?", [last_round(store)])
            said = {row["seq"]: row["p"] for row in rows}
            labels = store.value("SELECT avg((action <> 'reject')::INTEGER) FROM standing")
            judge(store, order[first : first + 10])
            came = store.rows("SELECT seq, action <> 'reject' AS kept FROM standing")
            for row in came:
                if row["seq"] in order[first : first + 10]:
                    right += (said[row["seq"]] >= 0.5) == row["kept"]
                    majority += (labels >= 0.5) == row["kept"]
        found = accuracy(store)
        assert (found.right, found.majority, found.decided) == (right, majority, 30)
        assert found.right > 20  # the rule that was followed is one of letters, and letters are the vectors
        run_through(triage(store))
        assert accuracy(store) == found
    done = called("triage", project)
    assert done.returncode == DONE
    assert f"Of 30 decisions that came after a round, it predicted {right} right" in done.stdout
