"""How far a long step has come."""

import time
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units (total None: not known), `failed` of them in vain; times in seconds."""

    unit: str
    done: int = 0
    total: int | None = None
    failed: int = 0
    elapsed_seconds: float = 0.0
    message: str = ""
    started: float = field(default_factory=time.monotonic, repr=False)

    def moved(self, done: int, *, failed: int = 0, message: str = "") -> "Progress":
        """Give the progress after `done` more units, `failed` of them in vain."""
        return replace(
            self,
            done=self.done + done,
            failed=self.failed + failed,
            elapsed_seconds=time.monotonic() - self.started,
            message=message,
        )

    @property
    def rate(self) -> float:
        """Units a second since the start of this run."""
        return self.done / self.elapsed_seconds if self.elapsed_seconds else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left at this rate; None where the total is not known or nothing is done yet."""
        if self.total is None or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate
