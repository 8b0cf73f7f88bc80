"""The step triage: which undecided samples tell most, from the decisions there are."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.review.triage import Relevance, accuracy, triage
from srt_core.steps.step import Argument, Arguments, Field, Option, Report, Row, Step, Widget


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from triage(store, alpha=asked["alpha"], relevance=Relevance(asked["relevance"]), stop=stop)


def _report(store: Store, _asked: Arguments, last: Progress) -> Report:
    found = accuracy(store)
    lines = [last.message] if last.message else []
    if found.decided:
        lines.append(
            f"Of {found.decided:,} decisions that came after a round, it predicted {found.right:,} right; always "
            f"saying what was more frequent by then, {found.majority:,}. They are what was decided, no random sample."
        )
    return Report(lines)


TRIAGE = Step(
    "triage",
    "Ranking what tells most",
    "samples",
    _run,
    arguments=(
        Argument(
            "alpha",
            float,
            0.5,
            option=Option("The weight of the probability against the likeness to what was kept.", low=0, high=1),
            field=Field(
                "Weight of the probability",
                "Against the likeness to what was kept.",
                Widget.NUMBER,
                low=0.0,
                high=1.0,
                step=0.05,
            ),
        ),
        Argument(
            "relevance",
            Relevance,
            Relevance.MEAN,
            option=Option("Likeness to the kept samples: mean or max of the cosines."),
            field=Field(
                "Likeness",
                "To which of the kept samples a sample is likened.",
                Widget.LIST,
                choices={"mean": "To all that was kept", "max": "To the nearest"},
            ),
        ),
    ),
    help="Rank the undecided samples by what a decision on them would tell, from the single decisions made so far.",
    report=_report,
    rows=(Row(("relevance", "alpha")),),
)
