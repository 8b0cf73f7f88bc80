"""What people's choices make of the arms' probabilities: steps, appended, and corrected where a choice was undone.

The last choice on a sample counts: a blind reading, or a single decision for one of the versions there were. A choice
that was undone, or made anew, has its steps corrected by steps of their own; nothing is ever changed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from srt_core.methods.star_agents import Step, duals, judged, replayed, updated
from srt_core.project.events import IS_BULK
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import Origin
from srt_core.reflect.arms.drawing import last_p
from srt_core.reflect.arms.file import ArmSettings, Update

# The last choice on each sample that arms were drawn for. Other decisions choose nothing: then there is no `best`, and
# no version is `fit`.
_CHOICES = f"""
    WITH said AS (
        SELECT event_id, sample_id, made_at, 'reading' AS source, best, marked AS fit, shown FROM reading
        UNION ALL
        SELECT event_id, sample_id, made_at, 'decision', if(kind IN ('approve', 'choose'), candidate_id, NULL),
               []::BIGINT[], NULL
        FROM decision WHERE NOT {IS_BULK} AND NOT is_restored(context)
    )
    FROM said WHERE sample_id IN (SELECT sample_id FROM arm_draw)
    QUALIFY row_number() OVER (PARTITION BY sample_id ORDER BY event_id DESC) = 1"""
_COUNTED = """
    SELECT step, event_id, sample_id FROM arm_step
    WHERE event_id IS NOT NULL AND step NOT IN (SELECT corrects FROM arm_step WHERE corrects IS NOT NULL)"""
# What was compared: the original, and what drawn arms had written by then; of a reading, what of these was shown.
_COMPARED = f"""
    SELECT candidate.candidate_id, if(origin = '{Origin.ORIGINAL}', '', candidate.producer) AS author,
           small.ifd - large.ifd AS gap
    FROM candidate
    LEFT JOIN score AS small ON small.candidate_id = candidate.candidate_id AND small.scoring_id = $small
    LEFT JOIN score AS large ON large.candidate_id = candidate.candidate_id AND large.scoring_id = $large
    WHERE sample_id = $sample AND made_at <= $made_at
      AND (origin = '{Origin.ORIGINAL}'
           OR candidate.producer IN (SELECT producer FROM arm_draw WHERE sample_id = $sample))
      AND ($shown IS NULL OR list_contains($shown::BIGINT[], candidate.candidate_id))
    ORDER BY candidate.candidate_id"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What bringing the steps up to date came to: steps appended, corrections of them, choices that wait for scores."""

    steps: int = 0
    corrections: int = 0
    waiting: int = 0


def keep_up(store: Store) -> Settled:
    """Append the steps of choices that are new, and corrections of those that no longer stand.

    A choice whose gap is not known yet waits until it is scored under both students.
    """
    held = store.meta("arm_settings")
    if held is None:
        return Settled()
    values = json.loads(held)
    settings = ArmSettings(**{**values, "update": Update(values["update"])})
    if store.is_read_only or store.meta(_KEPT_UP) == _seen(store):
        return Settled()
    steps = corrections = waiting = 0
    with store.transaction() as tx:
        seen = _seen(tx)
        for (step,) in tx.execute(
            f"""SELECT step FROM ({_COUNTED}) WHERE event_id NOT IN (SELECT event_id FROM ({_CHOICES})) ORDER BY step"""
        ):
            _correct(tx, int(step))
            corrections += 1
        new = tx.execute(
            f"""SELECT event_id, sample_id, made_at, source, best, fit, shown FROM ({_CHOICES})
                WHERE event_id NOT IN (SELECT event_id FROM ({_COUNTED})) ORDER BY event_id"""
        )
        for choice in new:
            made = _append(tx, settings, _Choice(*choice))
            waiting += made is None
            steps += made or 0
        if steps or corrections:
            tx.bump()
            seen = _seen(tx)
        tx.set_meta(_KEPT_UP, seen)
    return Settled(steps, corrections, waiting)


@dataclass(frozen=True, slots=True)
class _Choice:
    event_id: int
    sample_id: str
    made_at: object
    source: str
    best: int | None
    fit: Sequence[int]
    shown: Sequence[int] | None


_KEPT_UP = "arms_kept_up"


def _seen(store: Store | Transaction) -> str:
    """Name the last event and the version of the data: as long as both stand, there is nothing to bring up to date."""
    sql = "SELECT coalesce(max(event_id), 0) FROM event"
    last = store.value(sql) if isinstance(store, Store) else store.execute(sql)[0][0]
    return f"{last} {store.meta('data_version')} {store.meta('arm_settings')}"


def _append(tx: Transaction, settings: ArmSettings, choice: _Choice) -> int | None:
    """Append the steps of a choice and return how many; None where a gap is not known yet."""
    compared = tx.execute(
        _COMPARED,
        {"sample": choice.sample_id, "made_at": choice.made_at, "small": settings.small or 0,
         "large": settings.large or 0, "shown": None if choice.shown is None else list(choice.shown)},
    )  # fmt: skip
    authors = {key: author for key, author, _ in compared}
    arms = list(dict.fromkeys(author for author in authors.values() if author))
    chosen = choice.best if choice.best is not None else next(iter(choice.fit), None)
    if not arms or chosen is None:
        return 0
    fit = [authors.get(key, "") for key in choice.fit]
    said = judged(authors.get(choice.best, "") if choice.best is not None else None, fit, arms)
    gaps = {key: gap for key, _, gap in compared}
    shares = dict(zip(gaps, duals(list(gaps.values())), strict=True))
    preferred = [choice.best, *choice.fit, *authors]
    rows = []
    for arm, value in said.items():
        version = next(key for key in preferred if key is not None and authors.get(key) == arm)
        share = shares[version] if settings.small else 1.0
        if share is None and value:
            return None
        if value or settings.update is Update.ALL:
            rows.append((arm, version, value, gaps[version] if settings.small else None, value * (share or 0.0)))
    places = dict(tx.execute("SELECT producer, place FROM arm"))
    for arm, version, value, gap, reward in rows:
        p = updated(last_p(tx), places[arm] - 1, reward, settings.beta, settings.floor)
        tx.execute(
            """INSERT INTO arm_step (source, sample_id, producer, event_id, candidate_id, judged, gap, reward, beta,
                                     floor, p_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [choice.source, choice.sample_id, arm, choice.event_id, version, value, gap, reward, settings.beta,
             settings.floor, p],
        )  # fmt: skip
    return len(rows)


def _correct(tx: Transaction, step: int) -> None:
    rows = tx.execute(f"{_LOG} ORDER BY step")
    number = int(tx.execute("SELECT nextval('arm_steps')")[0][0])
    p = replayed([*(Step(*row) for row in rows), Step(number, corrects=step)])
    tx.execute(
        """INSERT INTO arm_step (step, source, sample_id, producer, corrects, p_after)
           SELECT ?, 'correction', sample_id, producer, step, ? FROM arm_step WHERE step = ?""",
        [number, p, step],
    )


_LOG = """
    SELECT step, coalesce(arm.place - 1, 0) AS arm, coalesce(reward, 0) AS reward, coalesce(beta, 0) AS beta,
           coalesce(floor, 0) AS floor, joins, corrects
    FROM arm_step LEFT JOIN arm USING (producer)"""


def steps_of(store: Store) -> list[Step]:
    """Read the log of steps, to be played again by `star_agents.replayed`."""
    return store.read(Step, f"{_LOG} ORDER BY step")


@dataclass(frozen=True, slots=True)
class ArmState:
    """An arm now: its probability, the samples it was drawn for, those it wrote a version of, and what people said."""

    name: str
    producer: str
    p: float
    drawn: int
    written: int
    chosen: int
    """Choices of its version, or of several that are as fine."""
    reward: float
    """The sum of its rewards that count."""


def arm_states(store: Store) -> list[ArmState]:
    """Read the arms of a project, in the order in which they came in."""
    return store.read(
        ArmState,
        f"""WITH counted AS (SELECT arm_step.* FROM arm_step JOIN ({_COUNTED}) AS each USING (step)),
                 written AS (SELECT producer, count(DISTINCT sample_id) AS written FROM candidate
                             WHERE producer IN (SELECT producer FROM arm) GROUP BY producer)
            SELECT name, arm.producer, (SELECT last(p_after ORDER BY step) FROM arm_step)[arm.place] AS p,
                   (SELECT count(*) FROM arm_draw WHERE arm_draw.producer = arm.producer) AS drawn,
                   coalesce(written, 0) AS written,
                   (SELECT count(*) FROM counted WHERE counted.producer = arm.producer AND judged > 0) AS chosen,
                   coalesce((SELECT sum(reward) FROM counted WHERE counted.producer = arm.producer), 0) AS reward
            FROM arm LEFT JOIN written ON written.producer = arm.producer ORDER BY arm.place""",
    )


def p_over_steps(store: Store) -> list[Row]:
    """Read each step with its probabilities: step (from 0), source, name (of the arm), p_after."""
    return store.rows(
        """SELECT row_number() OVER (ORDER BY step) - 1 AS step, source, name, p_after
           FROM arm_step LEFT JOIN arm USING (producer) ORDER BY arm_step.step"""
    )


def rivals(store: Store, samples: Sequence[str]) -> list[int]:
    """Return the versions, by id, that arms drawn for these samples wrote."""
    rows = store.rows(
        f"""SELECT candidate_id FROM candidate JOIN arm_draw USING (sample_id, producer)
            WHERE sample_id IN (SELECT unnest(?::VARCHAR[])) AND origin <> '{Origin.ORIGINAL}' ORDER BY candidate_id""",
        [list(samples)],
    )
    return [row["candidate_id"] for row in rows]


def settings_said(settings: ArmSettings) -> str:
    """Say in a line how the probabilities move."""
    values = asdict(settings)
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
