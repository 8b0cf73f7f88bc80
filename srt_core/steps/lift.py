"""The steps of LIFT: expand (harder samples in rounds), vary (their variety), judge (a judge rates originals)."""

from collections.abc import Generator
from threading import Event

from srt_core.errors import TeacherStopError
from srt_core.expand.expanding import expand, expanded
from srt_core.expand.judging import judge_by_endpoint
from srt_core.expand.varying import limit_for, varied, vary
from srt_core.methods.lift import LIMIT, MEAN_SQUARE
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Step, Widget

ENDPOINT = "Endpoint"


def _endpoint(what: str) -> tuple[Argument, ...]:
    return (
        Argument("base_url", str, "", option=Option(f"The OpenAI-compatible endpoint of the {what}."), group=ENDPOINT,
                 field=Field("Base URL", placeholder="http://127.0.0.1:8000/v1"), reach=Reach.HOST),
        Argument("model", str, "", option=Option("Its model."), group=ENDPOINT, field=Field("Model")),
        Argument("key_variable", str, "OPENAI_API_KEY", option=Option("The environment variable with its key."),
                 group=ENDPOINT, reach=Reach.KEY),
        Argument("temperature", float, 0.0, option=Option("Of the model.", low=0.0), group=ENDPOINT),
        Argument("most", int | None, option=Option("At most so many samples.", low=1)),
    )  # fmt: skip


def _teacher(asked: Arguments, what: str) -> OpenAITeacher:
    if not asked["base_url"] or not asked["model"]:
        raise TeacherStopError(f"No {what} was given.", "Give --base-url and --model.")
    return OpenAITeacher(
        asked["base_url"], asked["model"], api_key_variable=asked["key_variable"], temperature=asked["temperature"]
    )


def _expand(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from expand(store, _teacher(asked, "teacher"), asked["rounds"], asked["most"], stop=stop)


def _said_of_rounds(store: Store, _asked: Arguments, last: Progress) -> Report:
    found = expanded(store)
    lines = [
        f"Round {each.round}: {counted(each.made, 'sample')} made, {each.known:,} known before, {each.failed:,} failed."
        for each in found
    ]
    failed = "FROM expansion WHERE status = 'failed' ORDER BY made_at DESC LIMIT 20"
    failures = store.rows(f"SELECT parent, round, detail {failed}")
    return Report(lines, last.failed, [f"{row['parent']}, round {row['round']}: {row['detail']}" for row in failures])


EXPAND = Step(
    "expand",
    "Making samples harder",
    "samples",
    _expand,
    (
        Argument("rounds", int, 2, option=Option("Rounds: the second makes harder what the first made.", low=1, high=5),
                 field=Field("Rounds", widget=Widget.NUMBER, low=1, high=5)),
        *_endpoint("teacher"),
    ),
    help="Have a teacher make each sample harder, in rounds; each new pair is a sample that knows its parent. "
    "Again goes on.",
    report=_said_of_rounds,
)  # fmt: skip


def _vary(store: Store, _asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from vary(store, stop)


def _said_of_variety(store: Store, asked: Arguments, _last: Progress) -> Report:
    found = varied(store)
    if found is None:
        return Report([])
    limit, above = limit_for(store, asked["keep"])
    if found.components == 1:
        return Report(["One component holds 95 % of the variance, so that the variance across components is 0 of every "
                       f"sample. Filter by {MEAN_SQUARE}, which says how far out each is."])  # fmt: skip
    without = f"; {counted(found.without, 'sample| has|')} no vector, and no number" if found.without else ""
    return Report([
        f"{counted(found.samples, 'sample')}, {counted(found.components, 'component')} with {found.share:.1%} of the "
        f"variance{without}.",
        f"{asked['keep']:g} % are kept above {limit:.6g}: {above:,}, ties left out. srt select PROJECT --set "
        f"{LIMIT}={limit:.9g}",
        f"The sign of each component is fixed; {MEAN_SQUARE} is the number that no sign changes. Both find outliers "
        "among the samples, not a choice that covers them.",
    ])  # fmt: skip


VARY = Step(
    "vary",
    "Variety",
    "vectors",
    _vary,
    (Argument("keep", float, 20.0, option=Option("The share, in percent, to find a limit for.", low=0.1, high=99.9)),),
    help="Compute how far each sample's vector stands out: needs srt encode. It finds outliers, not coverage.",
    report=_said_of_variety,
)


def _judge(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from judge_by_endpoint(store, _teacher(asked, "judge"), asked["most"], stop=stop)


def _said_of_judge(store: Store, _asked: Arguments, last: Progress) -> Report:
    rows = store.rows(
        """SELECT rater, count(*) FILTER (status = 'ok') AS judged, count(*) FILTER (status <> 'ok') AS failed,
                  avg(total) AS mean FROM judgement GROUP BY rater ORDER BY rater"""
    )
    failures = store.rows(
        "SELECT candidate_id, detail FROM judgement WHERE status <> 'ok' ORDER BY made_at DESC LIMIT 20"
    )
    said = [
        f"{row['rater']}: {counted(row['judged'], 'version')} judged, "
        + ("none with a number" if row["mean"] is None else f"{row['mean']:.1f} of 100 points on average")
        + f", {row['failed']:,} failed and have no number."
        for row in rows
    ]
    return Report(said, last.failed, [f"version {row['candidate_id']}: {row['detail']}" for row in failures])


JUDGE = Step(
    "judge",
    "Judging quality",
    "judgements",
    _judge,
    _endpoint("judge"),
    help="Have a judge rate originals in four parts, under its own name; people do it with srt rate.",
    report=_said_of_judge,
)
