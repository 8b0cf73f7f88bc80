"""What a method is: one frozen record of what it asks, what it measures, its policies and the dials it shows."""

from collections.abc import Callable
from dataclasses import dataclass

from srt_core.records import AddedLoss, Guard, Measure, Origin, Pair, Policy, ProducerKind, Stage


@dataclass(frozen=True, slots=True)
class Rewriter:
    """Makes candidates of originals by a function of their texts: a producer beside the teachers.

    `rewrite` returns the pair of an `origin` candidate made of an original pair, or None where it has nothing better.
    What it makes under another `version` is another producer's.
    """

    name: str
    kind: ProducerKind
    origin: Origin
    rewrite: Callable[[Pair], Pair | None]
    version: str = "1"

    @property
    def producer(self) -> str:
        """The producer that its candidates name."""
        return f"{self.name}, version {self.version}"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to curate.

    Attributes:
        name, label: what the code and the command line call it, and what the screens do.
        paper, summary: where it comes from, and one plain sentence or two.
        teacher: the stages that it asks a teacher for; () where it needs none.
        needs_student: whether its rule reads scores.
        policies: each names this method; the first is its default. () of a method that chooses no samples.
        dials: the options and guards that its screens show, by name.
        student: the student that its paper uses, by hub name; "" leaves it to the curator: the model to be trained.
        template: the template that its paper uses; "" leaves it to the curator.
        convention, max_length: how its authors' code makes tokens of texts, and how many at most; "", 0: as usual.
        losses: what its score needs beside the four losses, each with the measure that is made of it.
        measures, guards, rewriters: what it brings beside those that every project has.
        needs: what has to be there before it can be used, in plain words.
        commands: the commands that it is used with, in their order.
        place: where it stands among the others in lists.
    """

    name: str
    label: str
    paper: str
    summary: str
    teacher: tuple[Stage, ...]
    needs_student: bool
    policies: tuple[Policy, ...]
    dials: tuple[str, ...]
    student: str = ""
    template: str = ""
    convention: str = ""
    max_length: int = 0
    losses: tuple[AddedLoss, ...] = ()
    measures: tuple[Measure, ...] = ()
    guards: tuple[Guard, ...] = ()
    rewriters: tuple[Rewriter, ...] = ()
    needs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    place: int = 100
