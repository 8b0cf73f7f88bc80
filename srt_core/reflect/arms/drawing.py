"""Which arms write for which sample: drawn once and kept, by each sample's own chance: a kill changes nothing."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from threading import Event

from srt_core.errors import TeacherStopError
from srt_core.methods.star_agents import draw, joined, split_by_memory
from srt_core.project import events
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin
from srt_core.reflect.arms.file import Arm, ArmSettings

CHUNK = 1_000
NO_MEMORY: Sequence[str] = ()


def register_arms(store: Store, arms: Mapping[str, Arm], settings: ArmSettings, by: str) -> None:
    """Keep arms, by their producers, and how they move; new ones come in with an equal share. Logged where it is news.

    SRTError where a scoring that makes the gap is not there.
    """
    _check_scorings(store, settings)
    said = json.dumps(asdict(settings))
    with store.transaction() as tx:
        before = tx.meta("arm_settings")
        known = {name for (name,) in tx.execute("SELECT producer FROM arm")}
        new = [producer for producer in arms if producer not in known]
        rows = [
            (producer, len(known) + place, arms[producer].name, json.dumps(dict(arms[producer].asked)))
            for place, producer in enumerate(new, start=1)
        ]
        tx.append("arm", ["producer", "place", "name", "body"], rows)
        for producer in set(arms) - set(new):
            body = json.dumps(dict(arms[producer].asked))
            tx.execute("UPDATE arm SET name = ?, body = ? WHERE producer = ?", [arms[producer].name, body, producer])
        if new:
            p = joined(last_p(tx), len(new))
            tx.execute("INSERT INTO arm_step (source, joins, p_after) VALUES ('join', ?, ?)", [len(new), p])
            tx.bump()
        if new or said != before:
            names = [arms[producer].name for producer in new]
            tx.set_meta("arm_settings", said)
            events.append(tx, "arms", by, {"settings": asdict(settings), "joined": names})


def last_p(tx: Transaction) -> list[float]:
    """Return the probabilities of now, by place; [] before any arm came in."""
    found = tx.execute("SELECT p_after FROM arm_step ORDER BY step DESC LIMIT 1")
    return list(found[0][0]) if found else []


def draw_arms(
    store: Store, arms: Sequence[str], number: int, seed: int, settings: ArmSettings, most: int | None,
    stop: Event,
) -> int:  # fmt: skip
    """Draw `number` of the arms (producers) for samples without a draw, `most` of them at most; returns for how many.

    TeacherStopError where pairs near by are to be looked up, and nothing has a vector.
    """
    if settings.near and not store.encoding_id():
        raise TeacherStopError("Samples near by are to be looked up, and none has a vector.", "`srt encode` first.")
    done = 0
    while not stop.is_set() and (size := CHUNK if most is None else min(CHUNK, most - done)):
        rows = store.rows(
            "SELECT sample_id FROM sample WHERE sample_id NOT IN (SELECT sample_id FROM arm_draw) ORDER BY seq LIMIT ?",
            [size],
        )
        if not rows:
            break
        names = [str(row["sample_id"]) for row in rows]
        won = _won_near(store, names, settings.near) if settings.near else {}
        with store.transaction() as tx:
            places = dict(tx.execute("SELECT producer, place FROM arm"))
            last = last_p(tx)
            step = int(tx.execute("SELECT max(step) FROM arm_step")[0][0])
            p = {arm: last[places[arm] - 1] for arm in arms}
            p = {arm: each / sum(p.values()) for arm, each in p.items()}
            drawn = [
                (name, place, arm, p[arm], is_near, seed, step)
                for name in names
                for place, (arm, is_near) in enumerate(
                    draw_for(p, number, random.Random(f"{seed} {name}"), won.get(name, NO_MEMORY), settings.from_near),
                    start=1,
                )
            ]
            tx.append("arm_draw", ["sample_id", "place", "producer", "p", "near", "seed", "step"], drawn)
            tx.bump(())  # what is missing of each arm is counted anew
        done += len(names)
    return done


def draw_for(
    p: Mapping[str, float], number: int, chance: random.Random, won: Sequence[str], from_near: int
) -> list[tuple[str, bool]]:
    """Draw arms for one sample: up to `from_near` among those that won near by, the rest among the others."""
    near, rest = split_by_memory(p, won)
    first = draw(near, min(from_near, number), chance)
    second = draw(rest, number - len(first), chance)
    left = {name: each for name, each in near.items() if name not in first}
    more = draw(left, number - len(first) - len(second), chance)
    return [*((name, True) for name in (*first, *more)), *((name, False) for name in second)]


def _won_near(store: Store, names: Sequence[str], near: int) -> dict[str, list[str]]:
    """Return the arms that won at the `near` samples most like each of some samples, by the vectors in use."""
    rows = store.rows(
        f"""WITH won AS (
                SELECT sample_id, producer FROM arm_step WHERE judged >= 0.5
                AND step NOT IN (SELECT corrects FROM arm_step WHERE corrects IS NOT NULL)
            ), held AS (
                SELECT sample_id, vector FROM vector JOIN candidate USING (candidate_id)
                WHERE encoding_id = ? AND origin = '{Origin.ORIGINAL}' AND vector IS NOT NULL
            ), likest AS (
                SELECT asked.sample_id, won.producer FROM held AS asked
                CROSS JOIN (FROM won JOIN held USING (sample_id)) AS won
                WHERE list_contains(?::VARCHAR[], asked.sample_id)
                QUALIFY row_number() OVER (PARTITION BY asked.sample_id
                    ORDER BY list_cosine_similarity(asked.vector, won.vector) DESC, won.sample_id, won.producer) <= ?
            )
            SELECT sample_id, list(DISTINCT producer ORDER BY producer) AS won FROM likest GROUP BY sample_id""",
        [store.encoding_id(), list(names), near],
    )
    return {row["sample_id"]: list(row["won"]) for row in rows}


def drawn_samples(store: Store) -> int:
    """Count the samples that arms were drawn for."""
    return int(store.value("SELECT count(DISTINCT sample_id) FROM arm_draw"))


def _check_scorings(store: Store, settings: ArmSettings) -> None:
    for number in (settings.small, settings.large):
        if number and not store.rows("SELECT 1 FROM scoring WHERE scoring_id = ?", [number]):
            raise TeacherStopError(
                f"The file of arms names scoring {number}, and there is none.", "`srt scorings` numbers them."
            )
