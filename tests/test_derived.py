"""The derived tables: brought up to date sample by sample they are what they would be if computed from nothing."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin, Policy
from srt_core.review import decisions
from srt_core.select import selection
from srt_core.select.derive import refresh
from tests.rule_project import create_project, random_cases, sample_name

SAMPLES = 60


def derived(store: Store) -> list[list[Row]]:
    """The rows of both derived tables, by the sample's number."""
    refresh(store)
    return [store.rows(f"SELECT * FROM {table} ORDER BY seq") for table in ("panel", "selection")]


def change(store: Store, draw: random.Random) -> None:
    """Change the scores of a few samples, take rewrites away, add failures; note whose."""
    names = [sample_name(draw.randrange(SAMPLES)) for _ in range(draw.randint(1, 6))]
    with store.transaction() as tx:
        mine = "candidate_id IN (SELECT candidate_id FROM candidate WHERE list_contains(?::VARCHAR[], sample_id))"
        tx.execute(f"UPDATE score SET ifd = ifd * ?, r_ifd = r_ifd * ? WHERE {mine}",
                   [draw.uniform(0.5, 1.5), draw.uniform(0.5, 1.5), names])  # fmt: skip
        tx.execute("DELETE FROM candidate WHERE sample_id = ? AND origin = 'BOTH'", [names[0]])
        tx.append(
            "reflection",
            ["sample_id", "origin", "producer", "status", "reason", "detail"],
            [(names[-1], "BOTH", "test", "refused", "empty", "")],
        )
        tx.bump(names)


@pytest.mark.parametrize("share", [100.0, 40.0])
def test_a_refresh_of_what_changed_equals_one_of_everything(tmp_path: Path, share: float) -> None:
    """After any changes, noted by sample, panel and selection hold what a rebuild of all samples gives."""
    draw = random.Random(5)
    policy = replace(Policy(), top_share=share, name="some").limited(max_ifd=None)
    with create_project(tmp_path / "p.srt", random_cases(SAMPLES, 3)) as store:
        selection.apply(store, policy, "ann")
        for _ in range(12):
            before = derived(store)
            change(store, draw)
            following = derived(store)
            assert following != before
            with store.transaction() as tx:
                tx.bump()
            assert derived(store) == following


def test_standing_is_the_fold_of_the_log(tmp_path: Path) -> None:
    """After any decisions, bulk actions and undos, the table of standing decisions is what the log folds to."""
    draw = random.Random(9)
    with create_project(tmp_path / "p.srt", random_cases(SAMPLES, 3)) as store:
        refresh(store)
        for _ in range(60):
            act(store, draw)
            standing = store.rows(
                "SELECT sample_id, event_id, action, origin, candidate_id, author, made_at FROM standing ORDER BY ALL"
            )
            folded = store.rows(
                f"""SELECT sample_id, event_id, kind AS action, origin, candidate_id, author, made_at
                    FROM ({events.fold()}) ORDER BY ALL"""
            )
            assert standing == folded
        assert standing


def act(store: Store, draw: random.Random) -> None:
    """Decide a sample, or many at once, or undo one of these."""
    actions = [row["action_id"] for row in store.rows("SELECT DISTINCT action_id FROM event ORDER BY 1")]
    what = draw.random()
    if what < 0.6:
        name = sample_name(draw.randrange(SAMPLES))
        stands = decisions.standing(store, name)
        action = draw.choice([Action.REJECT, Action.PARK, Action.CHOOSE])
        origin = Origin.ORIGINAL if action is Action.CHOOSE else None
        decisions.decide(
            store, Decision(name, action, "ann", origin), expected_event_id=stands.event_id if stands else None
        )
    elif what < 0.75:
        action = draw.choice([Action.APPROVE, Action.REJECT, Action.PARK])
        decisions.decide_all(store, "seq % $by = 0", {"by": draw.randint(2, 9)}, action, "bo", "some")
    elif actions:
        decisions.undo_action(store, draw.choice(actions), "cleo")
