"""How far a long step has come."""

import time
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units (total None: unknown), of which `failed` failed; times in seconds.

    A step whose units differ in size also counts `tokens` of about `total_tokens`; rate and remaining time then use
    them. `spent` is in US dollars; None: nothing, or unknown.
    """

    unit: str
    done: int = 0
    total: int | None = None
    failed: int = 0
    elapsed_seconds: float = 0.0
    message: str = ""
    tokens: int = 0
    total_tokens: int | None = None
    spent: float | None = None
    details: tuple[str, ...] = ()
    """Sentences that tell more than the message, at the end of a step."""
    started: float = field(default_factory=time.monotonic, repr=False)

    def moved(
        self,
        done: int,
        *,
        failed: int = 0,
        message: str = "",
        tokens: int = 0,
        total_tokens: int | None = None,
        spent: float | None = None,
    ) -> "Progress":
        """Return the progress after `done` more units, of which `failed` failed, and `tokens` more tokens."""
        return replace(
            self,
            done=self.done + done,
            failed=self.failed + failed,
            elapsed_seconds=time.monotonic() - self.started,
            message=message,
            tokens=self.tokens + tokens,
            total_tokens=total_tokens or self.total_tokens,
            spent=self.spent if spent is None else spent,
        )

    @property
    def rate(self) -> float:
        """Tokens per second since the start of this run where the step counts them, else units per second."""
        return (self.tokens or self.done) / self.elapsed_seconds if self.elapsed_seconds else 0.0

    @property
    def rate_unit(self) -> str:
        """What the rate counts."""
        return "tokens" if self.tokens else self.unit

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left at this rate; None where the total is unknown or nothing is done yet."""
        done, total = (self.tokens, self.total_tokens) if self.tokens else (self.done, self.total)
        if total is None or not self.rate:
            return None
        return max(total - done, 0) / self.rate
