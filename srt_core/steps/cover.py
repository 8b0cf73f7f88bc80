"""The step cover: ranks what the rule leaves by how well it covers itself, for the diverse share of a policy."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import COVERAGE_RANK
from srt_core.select.covering import BLOCK, cover
from srt_core.select.policy import applied_policy, find_policy
from srt_core.steps.step import Argument, Arguments, Field, Option, Report, Step, Widget


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    policy = find_policy(store, asked["policy"]) if asked["policy"] else applied_policy(store)
    yield from cover(store, policy, block=asked["block"], stop=stop)


def _report(store: Store, _asked: Arguments, last: Progress) -> Report:
    rows = store.rows(
        f"""SELECT sample_id FROM measurement JOIN sample ON seq = subject_id
            WHERE measure = '{COVERAGE_RANK}' AND value IS NULL ORDER BY seq LIMIT 20"""
    )
    lines = [last.message] if last.message else []
    return Report(lines, last.failed, [f"{row['sample_id']}: no vector, so no rank" for row in rows])


COVER = Step(
    "cover",
    "Ranking by coverage",
    "samples",
    _run,
    arguments=(
        Argument(
            "policy",
            str,
            "",
            option=Option("Rank what this policy leaves; the one in use where not given."),
        ),
        Argument(
            "block",
            int,
            BLOCK,
            option=Option("Samples that are ranked together, at most; all at once where there are no more.", low=2),
            field=Field(
                "Samples a block",
                "Where there are more, they are ranked in blocks of samples that are alike.",
                Widget.NUMBER,
                low=2,
            ),
            is_expert=True,
        ),
    ),
    help="Rank what the rule leaves so that few cover the rest best, for the diverse share of a policy.",
    failed="without a rank",
    report=_report,
)
