"""The step estimate: what a run of reflect would take. It asks nobody and registers nobody."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.estimate import ENOUGH, Estimate, estimate
from srt_core.reflect.missing import Missing
from srt_core.reflect.run import producer_of
from srt_core.reflect.spending import Spent, spent_by
from srt_core.steps.preparing import make_plan, make_prompts, make_teacher, prepare, settled_by
from srt_core.steps.reflect_arguments import ARGUMENTS, Mode
from srt_core.steps.step import Arguments, Step


def count_calls(store: Store, mode: Mode, producer: str = "") -> int:
    """Count the calls that a producer still needs; by default a new teacher."""
    return Missing(store, producer, settled_by(mode)).total()


def estimate_run(store: Store, asked: Arguments) -> Estimate:
    """Estimate what a run with these arguments would take."""
    return estimate(store, make_teacher(asked), make_prompts(asked), make_plan(asked), is_batch=asked["is_batch"])


def spent_so_far(store: Store, asked: Arguments) -> Spent:
    """Add up what the teacher with these prompts has taken so far."""
    return spent_by(store, producer_of(store, make_teacher(asked), make_prompts(asked)))


def in_dollars(amount: float) -> str:
    """Write an amount of money, a small one with more digits."""
    return f"{amount:,.2f} US dollars" if amount >= 1 else f"{amount:.4f} US dollars"


def _run(store: Store, asked: Arguments, _stop: Event) -> Generator[Progress, None, None]:
    prepare(store, asked)
    found = estimate_run(store, asked)
    yield Progress("calls", total=found.calls, message=_said(found))


def basis_of(found: Estimate) -> str:
    """Say what an estimate of tokens rests on."""
    if found.is_measured:
        return "as its replies so far"
    return f"a guess until {ENOUGH} replies of each stage have come"


def _said(found: Estimate) -> str:
    sent, written = (
        f"{tokens.likely:,.0f} ({tokens.low:,.0f} to {tokens.high:,.0f}) tokens"
        for tokens in (found.prompt_tokens, found.completion_tokens)
    )
    cost, listed = "price not known", f", at the list price of {found.listed}" if found.listed else ""
    if found.cost is not None:
        cost = f"{in_dollars(found.cost.likely)} ({found.cost.low:,.4g} to {found.cost.high:,.4g}){listed}"
    return f"{found.calls:,} calls, about {sent} sent, {written} written, {basis_of(found)}: {cost}."


ESTIMATE = Step("estimate", "Estimate", "calls", _run, ARGUMENTS, is_work=False)
