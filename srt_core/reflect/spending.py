"""What a producer has spent, and the caps at which a run pauses."""

from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.reflect.prices import Price
from srt_core.reflect.teacher import Answer

CHARACTERS_A_TOKEN = 4.0
FIRST_REPLY_TOKENS = 800
"""Assumed length of a reply before the first one has come."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits at which a run pauses: calls and US dollars spent on this producer, over all its runs. None: no limit."""

    calls: int | None = None
    cost: float | None = None


@dataclass(slots=True)
class Spent:
    """What a producer has spent so far, over all its runs. `cost` sums the replies whose cost is known."""

    calls: int = 0
    cost: float = 0.0
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    counted: int = 0
    """Replies with known token counts."""
    unpriced: int = 0
    """Replies with unknown cost."""
    dearest: float = 0.0
    """The highest cost of one reply."""

    @property
    def reply_tokens(self) -> float:
        """Mean tokens of a reply; an assumed length before the first."""
        return self.completion_tokens / self.counted if self.counted and self.completion_tokens else FIRST_REPLY_TOKENS

    def prompt_tokens_or(self, guess: float) -> float:
        """Return the mean tokens of a prompt; `guess` before the first is counted."""
        return self.prompt_tokens / self.counted if self.counted and self.prompt_tokens else guess

    def add(self, answer: Answer, price: Price | None) -> None:
        """Count a call that ended."""
        self.calls += 1
        if not answer.is_reply:
            return
        self.replies += 1
        self.prompt_tokens += answer.prompt_tokens or 0
        self.completion_tokens += answer.completion_tokens or 0
        self.counted += answer.completion_tokens is not None
        cost = price.cost(answer.prompt_tokens, answer.completion_tokens) if price else None
        self.unpriced += cost is None
        self.cost += cost or 0.0
        self.dearest = max(self.dearest, cost or 0.0)


def spent_by(store: Store, producer: str) -> Spent:
    """Return what a producer has spent so far."""
    row = store.rows(
        """SELECT count(*) AS calls, coalesce(sum(cost), 0) AS cost, count(*) FILTER (outcome = 'answered') AS replies,
                  coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
                  coalesce(sum(completion_tokens), 0)::BIGINT AS completion_tokens,
                  count(*) FILTER (outcome = 'answered' AND completion_tokens IS NOT NULL) AS counted,
                  count(*) FILTER (outcome = 'answered' AND cost IS NULL) AS unpriced,
                  coalesce(max(cost), 0) AS dearest
           FROM teacher_call WHERE producer = ?""",
        [producer],
    )[0]
    return Spent(**row)


def over_cap(caps: Caps, spent: Spent, in_flight: int, guess: float | None) -> str:
    """Return a message on the cap that one more call might exceed; "" for none. `guess`: its cost, None if unpriced.

    A call beside others leaves room for each of them to cost twice the dearest reply so far. So at most the last call,
    which is made alone, can exceed the cap. The first call is made alone too, because its cost is unknown.
    """
    if caps.calls is not None and spent.calls + in_flight >= caps.calls:
        return f"The cap of {caps.calls:,} calls is reached."
    if caps.cost is None or guess is None:
        return ""
    each = spent.dearest or guess
    room = caps.cost - spent.cost - spent.unpriced * each
    is_over = (2 * in_flight + 1) * each > room if spent.replies else in_flight > 0 or room <= 0
    return f"The cap of {caps.cost:,g} dollars is reached: {spent.cost:,.4g} are spent." if is_over else ""
