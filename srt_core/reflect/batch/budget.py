"""What the caps leave for batches: a request that is sent in one cannot be stopped, so its cost is estimated before."""

from srt_core.project.store import Store
from srt_core.reflect.prices import Price
from srt_core.reflect.spending import Caps, spent_by

MEASURED = 30
"""Replies from which on their mean length is used to estimate the cost of the next ones."""
MARGIN = 1.1
"""Factor on that estimate."""
BYTES_A_TOKEN = 3.0
"""A low figure, so that the tokens of a prompt are overestimated rather than underestimated."""


class Budget:
    """What the caps leave for requests; `take` counts one in, `message` says which cap is reached ("" for none).

    A reply is assumed to be a tenth longer than the mean so far, and as long as max_tokens allows while there are too
    few to tell: a request that is sent in a batch cannot be stopped and is paid for.
    """

    def __init__(
        self, store: Store, producer: str, caps: Caps, price: Price | None, max_tokens: int, is_batch: bool
    ) -> None:
        self._caps, self._price, self._max_tokens, self._is_batch = caps, price, max_tokens, is_batch
        row = store.rows(
            """SELECT count(*) AS replies, avg(prompt_tokens) AS prompt, avg(completion_tokens) AS completion
               FROM teacher_call WHERE producer = ? AND outcome = 'answered' AND prompt_tokens IS NOT NULL
               AND completion_tokens IS NOT NULL""",
            [producer],
        )[0]
        self._means = (row["prompt"], row["completion"]) if row["replies"] >= MEASURED else None
        spent = spent_by(store, producer)
        self._calls = spent.calls
        self._cost = spent.cost
        self.message = ""

    @property
    def is_full(self) -> bool:
        """Whether a cap is reached."""
        return bool(self.message)

    def take(self, sent_bytes: int) -> bool:
        """Count one more request of `sent_bytes`; return False, and count nothing, if it would exceed a cap."""
        caps = self._caps
        cost = self._cost + self._probable_cost(sent_bytes)
        if caps.calls is not None and self._calls >= caps.calls:
            self.message = f"The cap of {caps.calls:,} calls is reached."
        elif caps.cost is not None and cost > caps.cost:
            self.message = (
                f"The cap of {caps.cost:,.2f} dollars is reached: {self._cost:,.4f} are spent or on their way."
            )
        else:
            self._calls, self._cost = self._calls + 1, cost
        return not self.message

    def _probable_cost(self, sent_bytes: int) -> float:
        if self._price is None:
            return 0.0
        prompt, completion = self._means or (sent_bytes / BYTES_A_TOKEN, float(self._max_tokens))
        cost = self._price.cost(prompt, completion, is_batch=self._is_batch) or 0.0
        return cost * MARGIN if self._means else cost
