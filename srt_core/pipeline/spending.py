"""What a producer has taken so far, and where a run pauses."""

from dataclasses import dataclass

from srt_core.prices import Price
from srt_core.store import Store
from srt_core.teacher import Answer

CHARACTERS_A_TOKEN = 4.0
FIRST_REPLY_TOKENS = 800
"""What a reply is taken to be before there is one to measure."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Where a run pauses: calls and US dollars that were spent on this producer, over all its runs. None: nowhere."""

    calls: int | None = None
    cost: float | None = None


@dataclass(slots=True)
class Spent:
    """What a producer has taken so far, over all its runs. `cost` is of the calls of which it is known."""

    calls: int = 0
    cost: float = 0.0
    replies: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    """Replies whose tokens are not known."""

    @property
    def reply_tokens(self) -> float:
        """Tokens that a reply has on average; a guess before the first."""
        counted = self.replies - self.uncounted
        return self.completion_tokens / counted if counted > 0 and self.completion_tokens else FIRST_REPLY_TOKENS

    def count(self, answer: Answer, price: Price | None) -> None:
        """Count a call that ended."""
        self.calls += 1
        if answer.is_reply:
            self.replies += 1
            self.completion_tokens += answer.completion_tokens or 0
            self.uncounted += answer.completion_tokens is None
            self.cost += (price.cost(answer.prompt_tokens, answer.completion_tokens) if price else None) or 0.0

    def over_cap(self, caps: Caps, price: Price | None, under_way: int, prompt_tokens: float) -> str:
        """Say which cap one more call would pass; "" for none. What is under way counts as it will probably cost."""
        if caps.calls is not None and self.calls + under_way + 1 > caps.calls:
            return f"The cap of {caps.calls:,} calls is reached."
        each = price.cost(prompt_tokens, self.reply_tokens) if price else None
        if caps.cost is not None and each is not None:
            probable = self.cost + (under_way + self.uncounted + 1) * each
            if probable > caps.cost:
                return f"The cap of {caps.cost:,.2f} dollars is reached: {self.cost:,.4f} are spent."
        return ""


def spent_by(store: Store, producer: str) -> Spent:
    """Add up what a producer has taken so far."""
    row = store.rows(
        """SELECT count(*) AS calls, coalesce(sum(cost), 0) AS cost, count(*) FILTER (outcome = 'answered') AS replies,
                  coalesce(sum(completion_tokens), 0)::BIGINT AS completion_tokens,
                  count(*) FILTER (outcome = 'answered' AND completion_tokens IS NULL) AS uncounted
           FROM teacher_call WHERE producer = ?""",
        [producer],
    )[0]
    return Spent(**row)
