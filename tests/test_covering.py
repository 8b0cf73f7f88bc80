"""Facility location: worked examples, and ranks of a project that a policy's diverse share is taken by."""

import itertools
import random
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srt_core.errors import PolicyError
from srt_core.project.store import Store
from srt_core.records import Origin, Policy
from srt_core.select import selection
from srt_core.select.covering import cover
from srt_core.select.policy import applied_policy
from srt_core.vectors.facility import apart, blocks, locate
from tests.command_line import called, refused
from tests.killing import worker
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, kept

POINTS = np.array([[0, 0], [1, 0], [0, 2], [3, 3], [5, 1], [6, 1], [6, 2], [2, 6]], dtype=float)
BETWEEN = np.sqrt(((POINTS[:, None] - POINTS[None]) ** 2).sum(axis=-1))
KERNELS = [
    (apart(POINTS), 1.0, (4, 0, 7), (2.680390445, 4.371304425, 5.317126186), 5.393212081),
    (BETWEEN**2, float((BETWEEN**2).max()), (3, 0, 5), (246.0, 282.0, 311.0), 312.0),
    (BETWEEN, 0.0, (3, 0, 5), (-23.769003343, -15.758533721, -8.162277660), -8.162277660),
]
"""Of each kernel: how far points are apart, its top, the greedy choice of three with its values, the best value."""


def best(far: Any, top: float, size: int) -> float:
    """The value of the best choice of so many, by trying all."""
    choices = itertools.combinations(range(len(far)), size)
    return max(float((top - far[:, choice].min(axis=1)).sum()) for choice in choices)


@pytest.mark.parametrize(("far", "top", "order", "values", "optimum"), KERNELS)
def test_the_greedy_choice_is_that_of_the_worked_examples(
    far: Any, top: float, order: tuple[int, ...], values: Sequence[float], optimum: float
) -> None:
    """Three kernels on eight points, value after each, to 1e-6; by trying all, the best choice, which may be better."""
    located = locate(far, 3, top=top)
    assert located.order == order
    assert np.cumsum(located.gains) == pytest.approx(values, abs=1e-6)
    assert best(far, top, 3) == pytest.approx(optimum, abs=1e-6)


def test_few_looks_choose_what_all_looks_would() -> None:
    """Against the greedy choice that looks at every point again each time, ties to the lowest index."""
    draw = np.random.default_rng(4)
    points = draw.normal(size=(60, 5)).round(1)
    far = apart(np.concatenate([points, points[:20]]))  # a quarter stands twice
    near, left, expected = np.ones(80), list(range(80)), []
    for _ in range(80):
        gains = [float(np.maximum(near - far[place], 0).sum()) for place in left]
        chosen = left[int(np.argmax(np.round(gains, 12)))]
        expected.append(chosen)
        left.remove(chosen)
        near = np.minimum(near, far[chosen])
    found = locate(far)
    assert found.order[:60] == tuple(expected[:60])
    assert sorted(found.order) == list(range(80))
    assert found.gains[60:] == pytest.approx([0.0] * 20, abs=1e-7)


def test_blocks_hold_each_point_once_and_no_more_than_they_may() -> None:
    """Groups are kept apart, a large one is cut across its longest extent, an empty one gives no block."""
    points = np.array([[float(place), 0.0] for place in range(10)])
    groups = [0, 0, 0, 0, 0, 0, 0, 2, 2, 2]
    found = [part.tolist() for part in blocks(groups, points, 4)]
    assert sorted(found) in ([[0, 1, 2], [3, 4, 5, 6], [7, 8, 9]], [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]])


VECTORS = [(1.0, 0.0), (0.99, 0.1), (0.98, 0.15), (0.0, 1.0), (0.1, 0.99), (-1.0, 0.2)]
POLICY = Policy("diverse", require_response_reflection=False, diverse_share=50.0).limited(max_ifd=1.0, max_r_ifd=None)


def put_vectors(store: Store, vectors: Sequence[tuple[float, ...] | None]) -> None:
    """Store the vectors of the originals, one a sample."""
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO encoding (encoder, fingerprint, recipe, dimensions) VALUES ('by hand', 'f', 'pair', ?)",
            [len(next(each for each in vectors if each))],
        )
        tx.append(
            "vector",
            ["encoding_id", "candidate_id", "text_hash", "vector", "status"],
            [(1, place + 1, str(place), vector, "ok" if vector else "undefined")
             for place, vector in enumerate(vectors)],
        )  # fmt: skip


def project(path: Path, vectors: Sequence[tuple[float, ...] | None], ifd: Sequence[float] | None = None) -> Store:
    """A project of one original a sample, with these vectors."""
    numbers = ifd or [0.5] * len(vectors)
    store = create_project(path, [Case({Origin.ORIGINAL: Numbers(each, 0.5)}) for each in numbers])
    put_vectors(store, vectors)
    return store


def ranked(store: Store) -> list[tuple[str, int | None]]:
    return [(row["sample_id"], row["rank"]) for row in store.rows("SELECT * FROM coverage_rank ORDER BY rank, 1")]


def test_ranks_are_of_what_the_policy_leaves(tmp_path: Path) -> None:
    """One of each direction comes first, what a limit leaves out has no rank, what has no vector is told."""
    vectors = [*VECTORS, None, (0.0, -1.0)]
    with project(tmp_path / "p.srt", vectors, [0.5] * 7 + [1.5]) as store:
        selection.apply(store, POLICY, "ann")
        last = list(cover(store, applied_policy(store)))[-1]
        assert (last.done, last.failed) == (7, 1)
        found = ranked(store)
        assert [rank for _, rank in found] == [1, 2, 3, 4, 5, 6, None]
        assert [name for name, _ in found[:3]] == ["s1", "s3", "s5"]
        assert found[-1][0] == "s6"
        reasons = {row["sample_id"]: row["reason"] for row in selection.select(store, POLICY)}
        assert reasons["s7"] == "ifd_ceiling" and reasons["s6"] == "unscored"
        assert kept(store, POLICY) == ["s1", "s3", "s5"]
        assert {reasons[name] for name in ("s0", "s2", "s4")} == {"below_diverse_share"}
        assert len(kept(store, replace(POLICY, diverse_share=34.0))) == 2
        gains = [row["gain"] for row in store.rows("SELECT gain FROM coverage_rank WHERE rank > 0 ORDER BY rank")]
        assert gains == pytest.approx(locate(apart(np.array([_unit(each) for each in VECTORS]))).gains, abs=1e-6)


def _unit(vector: Sequence[float]) -> list[float]:
    return [each / float(np.linalg.norm(vector)) for each in vector]


def test_ranks_in_blocks_are_the_greedy_ones_of_the_blocks(tmp_path: Path) -> None:
    """Merged by gain: no block's order is changed, gains never rise, and ranking again replaces what was there."""
    draw = random.Random(3)
    vectors = [(draw.gauss(0, 1), draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(60)]
    with project(tmp_path / "p.srt", vectors) as store:
        list(cover(store, POLICY))
        whole = ranked(store)
        list(cover(store, POLICY, block=10))
        rows = store.rows("SELECT rank, gain FROM coverage_rank ORDER BY rank")
        assert [row["rank"] for row in rows] == list(range(1, 61))
        assert all(one["gain"] >= other["gain"] for one, other in itertools.pairwise(rows))
        assert ranked(store) != whole
        list(cover(store, POLICY))
        assert ranked(store) == whole
        assert store.value("SELECT count(*) FROM measurement") == 120


NEEDS = """
from pathlib import Path
from srt_core.project.store import Store
import srt_core.select.covering as covering
from srt_core.records import Origin, Policy
covering._COMMITTED = 1
POLICY = Policy("diverse", require_response_reflection=False, diverse_share=50.0).limited(max_ifd=1.0, max_r_ifd=None)
"""
WORK = """
with Store.open(Path(sys.argv[1])) as store:
    for progress in covering.cover(store, POLICY, block=4):
        if progress.done:
            print(progress.done, flush=True)
"""


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """`kill -9` twice, then the same step: equal to an undisturbed run, with nothing left over."""
    draw = random.Random(5)
    vectors = [(draw.gauss(0, 1), draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(60)]
    paths = [tmp_path / "whole.srt", tmp_path / "killed.srt"]
    for path in paths:
        project(path, vectors).close()
    with worker(NEEDS, WORK, paths[1]) as work:
        kills = [work.end_at(2, 0.0) for _ in range(2)]
    assert kills == [-signal.SIGKILL] * 2
    with Store.open(paths[1]) as store:
        assert store.value("SELECT count(*) FROM measurement") > 0
        assert ranked(store) == []
    found = []
    for path in paths:
        with Store.open(path) as store:
            list(cover(store, POLICY, block=4))
            found.append((ranked(store), store.value("SELECT count(*) FROM measurement")))
    assert found[0] == found[1]


def test_what_cannot_be_ranked_is_a_sentence(tmp_path: Path) -> None:
    """Nothing encoded, nothing left by the policy, no vector of what is left, an unknown policy."""
    cases = [Case({Origin.ORIGINAL: Numbers(0.5, 0.5)})]
    with create_project(tmp_path / "p.srt", cases) as store:
        with pytest.raises(PolicyError, match="No sample has a vector"):
            list(cover(store, POLICY))
        put_vectors(store, [(1.0, 0.0)])
        with pytest.raises(PolicyError, match="leaves no sample"):
            list(cover(store, POLICY.limited(max_ifd=0.1)))
        with store.transaction() as tx:
            tx.execute("UPDATE vector SET vector = NULL")
        with pytest.raises(PolicyError, match="has a vector"):
            list(cover(store, POLICY))
    assert "There is no policy nobody" in refused(called("cover", tmp_path / "p.srt", "--policy", "nobody"))
