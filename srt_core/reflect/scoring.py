"""What a run asks of a student that scores beside the teacher's calls. Who loads and runs it stands above (steps)."""

from typing import Protocol


class Scoring(Protocol):
    """A student that scores beside the calls, so that in sequential mode it is soon known what won its stage."""

    @property
    def is_busy(self) -> bool:
        """Whether it scores, or is about to."""
        ...

    def notify(self) -> None:
        """Have it score the candidates that are new."""
        ...

    def rounds(self) -> int:
        """Return how often it has scored all there was so far; raises what ended it, if something has."""
        ...


class NoScoring:
    """What stands in for a student where none scores beside the calls."""

    is_busy = False

    def notify(self) -> None:
        """Do nothing."""

    def rounds(self) -> int:
        """Return 0: there is never news."""
        return 0
