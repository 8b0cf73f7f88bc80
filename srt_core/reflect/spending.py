"""What a producer has spent, and the caps at which a run pauses."""

from dataclasses import dataclass

from srt_core.project.store import Store
from srt_core.reflect.prices import Price
from srt_core.reflect.teacher import Answer

CHARACTERS_A_TOKEN = 4.0
FIRST_REPLY_TOKENS = 800
"""A guess of what a reply takes, before the first one."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Where a run pauses: calls and US dollars that were spent on this producer, over all its runs. None: nowhere."""

    calls: int | None = None
    cost: float | None = None


@dataclass(slots=True)
class Spent:
    """What a producer has taken so far, over all its runs. `cost` is of the replies of which it is known."""

    calls: int = 0
    cost: float = 0.0
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    counted: int = 0
    """Replies of which the tokens are known."""
    unpriced: int = 0
    """Replies of which the cost is not known."""
    dearest: float = 0.0
    """The cost of the dearest reply."""

    @property
    def reply_tokens(self) -> float:
        """Tokens that a reply has on average; a guess before the first."""
        return self.completion_tokens / self.counted if self.counted and self.completion_tokens else FIRST_REPLY_TOKENS

    def prompt_tokens_or(self, guess: float) -> float:
        """Tokens that a prompt has on average; a guess before the first."""
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
    """Add up what a producer has taken so far."""
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
    """Say which cap one more call might pass; "" where none. `guess` is its cost where none is known; None: no price.

    A call beside others leaves room for all of them to be twice as dear as the dearest so far, so that it is at most
    the last one, which goes alone, that passes the cap. The first goes alone too: nobody knows what it costs.
    """
    if caps.calls is not None and spent.calls + in_flight >= caps.calls:
        return f"The cap of {caps.calls:,} calls is reached."
    if caps.cost is None or guess is None:
        return ""
    each = spent.dearest or guess
    room = caps.cost - spent.cost - spent.unpriced * each
    is_over = (2 * in_flight + 1) * each > room if spent.replies else in_flight > 0 or room <= 0
    return f"The cap of {caps.cost:,g} dollars is reached: {spent.cost:,.4g} are spent." if is_over else ""
