"""What the steps of a method would still take here: units, tokens, money and time, as far as each step can say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srt_core.methods import Method, scoring_settings
from srt_core.project.store import Store
from srt_core.records import scoring_source
from srt_core.reflect.estimate import Range
from srt_core.score.scorings import Scoring, scoring_in_use, scorings
from srt_core.steps.estimate import count_calls, estimate_run
from srt_core.steps.reflect import REFLECT
from srt_core.steps.reflect_arguments import Mode
from srt_core.steps.score import SCORE
from srt_core.steps.step import Arguments

CALL, VERSION = "call", "version"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step would still take; None where nothing can be said.

    Attributes:
        unit, units: how many of what are still to be done.
        tokens: sent to a teacher and written by it.
        dollars: US dollars; None where no price is known.
        seconds: at the pace of the last job of the app that did the same.
    """

    unit: str
    units: int
    tokens: Range | None = None
    dollars: Range | None = None
    seconds: float | None = None


def steps_of(method: Method) -> tuple[str, ...]:
    """Return the steps of a method in their order: those that it names, else what it asks of teacher and student."""
    return method.commands or ((("reflect",) if method.teacher else ()) + (("score",) if method.needs_student else ()))


def scoring_arguments(store: Store, method: Method) -> dict[str, Any]:
    """Return how a method's paper scored, by the names of the step's arguments.

    A method that leaves the student to the curator and brings no loss takes the scoring in use as it is.
    """
    used = scoring_in_use(store)
    held = {name: getattr(used, name) if used else "" for name in ("student", "template", "convention", "max_length")}
    added = {loss.measure: True for loss in method.losses}
    if not method.student and not added:
        return held
    names = ("student", "template", "convention", "max_length")
    return {**held, **{name: value for name in names if (value := getattr(method, name))}, **added}


def cost_of(store: Store, step: str, method: Method, last: Arguments) -> Cost | None:
    """Estimate what a step would take for a method; `last`: what the step was last started with. None: no estimate."""
    estimate = _ESTIMATES.get(step)
    return estimate(store, method, last) if estimate else None


def _of_reflecting(store: Store, _method: Method, last: Arguments) -> Cost:
    asked = REFLECT.complete(last)
    if not (asked["replay"] or (asked["base_url"] and asked["model"])):
        return Cost(CALL, count_calls(store, Mode(asked["mode"])))
    found = estimate_run(store, asked)
    tokens = found.prompt_tokens + found.completion_tokens
    pace = _seconds_a_unit(store, "reflect", {name: asked[name] for name in ("model", "replay") if asked[name]})
    return Cost(CALL, found.calls, tokens, found.cost, None if pace is None else pace * found.calls)


def _of_scoring(store: Store, method: Method, _last: Arguments) -> Cost:
    wanted = scoring_arguments(store, method)
    versions = int(store.value("SELECT count(*) FROM candidate"))
    if not wanted["student"]:
        return Cost(VERSION, versions)
    asked = scoring_settings("", SCORE.complete(wanted))
    names = ("student", "template", "convention", "max_length")
    same = [each for each in scorings(store) if all(getattr(each, name) == asked[name] for name in names)]
    left = versions - _scored(store, same[0], method) if same else versions
    pace = _seconds_a_unit(store, "score", {"student": asked["student"]})
    return Cost(VERSION, left, seconds=None if pace is None else pace * left)


def _scored(store: Store, scoring: Scoring, method: Method) -> int:
    """Count the versions that have all that a method reads under a scoring."""
    added = [loss.measure for loss in method.losses]
    return int(
        store.value(
            """SELECT count(*) FROM score
               WHERE scoring_id = $scoring AND (len($added::VARCHAR[]) = 0 OR candidate_id IN (
                   SELECT subject_id FROM measurement WHERE subject = 'candidate' AND source = $source
                   AND list_contains($added::VARCHAR[], measure)
                   GROUP BY subject_id HAVING count(*) = len($added::VARCHAR[])))""",
            {"scoring": scoring.scoring_id, "source": scoring_source(scoring.scoring_id), "added": added},
        )
    )


def _seconds_a_unit(store: Store, kind: str, same: Mapping[str, str]) -> float | None:
    """Return the seconds that a unit took in the last job of a kind with the same arguments; None: there was none."""
    where = " ".join(f"AND arguments ->> '{name}' = ${name}" for name in same)
    found: float | None = store.value(
        f"""SELECT epoch(updated_at - started_at) / done FROM job
            WHERE kind = $kind AND done > 0 AND state IN ('done', 'paused') {where} ORDER BY job_id DESC LIMIT 1""",
        {"kind": kind, **same},
    )
    return found


_ESTIMATES = {"reflect": _of_reflecting, "score": _of_scoring}
"""The steps that can say what they would take."""
