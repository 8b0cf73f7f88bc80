"""`srt reflect` and `srt prompts`."""

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from srt_core.commands.common import LISTED, ProjectPath, list_failures
from srt_core.commands.terminal import errors, show
from srt_core.errors import SRTError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.along import Scoring
from srt_core.reflect.asking import Asker
from srt_core.reflect.batch.run import reflect_batch
from srt_core.reflect.batch.stored import forget_batches
from srt_core.reflect.estimate import Estimate, estimate
from srt_core.reflect.missing import Missing
from srt_core.reflect.parsing import parse_again
from srt_core.reflect.prices import Price, price_of, set_price
from srt_core.reflect.prompts import Prompts, Refusal, ReplyFormat, load_prompts
from srt_core.reflect.run import Plan, producer_of, reflect
from srt_core.reflect.spending import Caps
from srt_core.reflect.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.reflect.trial import Trial, trial
from srt_core.review.status import status
from srt_core.score.run import score
from srt_core.score.student import load_student
from srt_core.score.templates import load_template
from srt_core.steps.steps import Mode, settled_by

TEACHER, RUN, MONEY, BATCH = "Teacher", "Run", "Money", "Batch"


def _option(panel: str, help: str, *names: str, **limits: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, **limits)


BaseUrl = Annotated[str | None, _option(TEACHER, "An OpenAI-compatible endpoint, such as http://localhost:8000/v1.")]
Model = Annotated[str | None, _option(TEACHER, "The model's name at that endpoint.")]
KeyVariable = Annotated[str, _option(TEACHER, "The environment variable that holds the key.")]
Replay = Annotated[Path | None, _option(TEACHER, "A file of recorded replies, in place of an endpoint.")]
PromptsFile = Annotated[Path | None, _option(TEACHER, "Prompts of your own; `srt prompts` prints ours.")]
Form = Annotated[
    ReplyFormat | None, _option(TEACHER, "json: by a schema; sections: by tags. Found by trying where not given.")
]
Temperature = Annotated[float, _option(TEACHER, "0: the likeliest words.", min=0, max=2)]
MaxTokens = Annotated[int, _option(TEACHER, "Tokens of a reply, at most.", min=16)]
Deadline = Annotated[float, _option(TEACHER, "Seconds that a whole call may take.", min=0.1)]

RunMode = Annotated[Mode, _option(RUN, "full: 3 calls a sample; sequential: 2, the same decisions.")]
StudentName = Annotated[str, _option(RUN, "In sequential mode: score beside the calls, in one run.")]
TemplateName = Annotated[str, _option(RUN, "That student's template.")]
Concurrency = Annotated[int, _option(RUN, "Calls under way at once, at most.", min=1, max=1024)]
Rpm = Annotated[float | None, _option(RUN, "Requests a minute, at most.", "--rpm", min=0.1)]
Tpm = Annotated[float | None, _option(RUN, "Tokens a minute, at most.", "--tpm", min=1)]
Try = Annotated[
    int | None, _option(RUN, "Show what is sent about so many samples and the replies; stop.", "--try", min=1)
]
RetryFailed = Annotated[bool, _option(RUN, "Ask again where replies were refused before.", "--retry-failed")]
Note = Annotated[str, _option(RUN, "With --retry-failed: a word to the teacher.")]
ParseAgain = Annotated[bool, _option(RUN, "Read refused replies again, without a call; stop.", "--parse-again")]

Estimated = Annotated[bool, _option(MONEY, "Say what is missing, in calls, tokens and dollars; stop.", "--estimate")]
MaxCalls = Annotated[int | None, _option(MONEY, "Pause at so many calls of this teacher and prompts, ever.", min=1)]
MaxCost = Annotated[float | None, _option(MONEY, "Pause at so many US dollars, in the same way.", min=0)]
PriceInput = Annotated[float | None, _option(MONEY, "US dollars a million tokens sent; remembered.", min=0)]
PriceOutput = Annotated[float | None, _option(MONEY, "US dollars a million tokens written; remembered.", min=0)]
PriceBatch = Annotated[float | None, _option(MONEY, "Which share of that a batch costs; remembered.", min=0)]

ByBatch = Annotated[bool, _option(BATCH, "Ask by the Batch API. Leave it at any time; the same goes on.", "--batch")]
Wait = Annotated[bool, _option(BATCH, "Wait until all is done, or fetch, send and return.")]
PollSeconds = Annotated[float, _option(BATCH, "How often to look.", min=0.05)]
Forget = Annotated[bool, _option(BATCH, "Give up what is not fetched: it is paid for again.", "--forget-batch")]


def reflect_(
    project: ProjectPath,
    base_url: BaseUrl = None,
    model: Model = None,
    key_variable: KeyVariable = "OPENAI_API_KEY",
    replay: Replay = None,
    prompts: PromptsFile = None,
    reply_format: Form = None,
    temperature: Temperature = 0.0,
    max_tokens: MaxTokens = 2048,
    deadline: Deadline = 120.0,
    mode: RunMode = Mode.FULL,
    student: StudentName = "",
    template: TemplateName = "alpaca",
    concurrency: Concurrency = 16,
    requests_per_minute: Rpm = None,
    tokens_per_minute: Tpm = None,
    samples_to_try: Try = None,
    retry_failed: RetryFailed = False,
    note: Note = "",
    parse_replies_again: ParseAgain = False,
    only_estimate: Estimated = False,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    price_input: PriceInput = None,
    price_output: PriceOutput = None,
    price_batch: PriceBatch = None,
    batch: ByBatch = False,
    wait: Wait = True,
    poll_seconds: PollSeconds = 30.0,
    forget_batch: Forget = False,
) -> None:
    """Ask the teacher for the rewrites that are missing. Again goes on where it stopped; no reply is paid for twice."""
    with Store.open(project) as store:
        if parse_replies_again:
            typer.echo(show(parse_again(store)).message)
            return
        teacher = _teacher(base_url, model, replay, key_variable, temperature, max_tokens, deadline)
        asked = load_prompts(prompts)
        plan = Plan(
            settled_by(mode),
            concurrency,
            retry_failed=retry_failed,
            note=note,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            caps=Caps(max_calls, max_cost),
            reply_format=reply_format,
        )
        _keep_price(store, teacher.model, price_input, price_output, price_batch)
        _check(store, teacher, plan, student, batch)
        if samples_to_try:
            typer.echo("\n".join(_shown(each) for each in trial(store, teacher, asked, samples_to_try, reply_format)))
        elif only_estimate:
            typer.echo(_estimated(_estimate(store, teacher, asked, plan, batch)))
        elif batch and isinstance(teacher, OpenAITeacher):
            if forget_batch:
                forget_batches(store, producer_of(store, teacher, asked))
            _walk(store, reflect_batch(store, teacher, asked, plan, wait=wait, poll_seconds=poll_seconds))
        else:
            _walk(store, reflect(store, teacher, asked, plan, scoring=_scoring(store, student, template)))


def _keep_price(store: Store, model: str, input: float | None, output: float | None, batch_share: float | None) -> None:
    """Remember a price; what is not given stays as it is known."""
    if input is None and output is None and batch_share is None:
        return
    known = price_of(store, model)
    input = known.input if input is None and known else input
    output = known.output if output is None and known else output
    if input is None or output is None:
        raise SRTError(f"No price is known for {model} yet.", "Give both --price-input and --price-output.")
    if batch_share is None:
        batch_share = known.batch_share if known else 1.0
    set_price(store, model, Price(input, output, batch_share))


def _check(store: Store, teacher: Teacher, plan: Plan, student: str, is_batch: bool) -> None:
    """Refuse options that do not go together."""
    is_without_price = plan.caps.cost is not None and price_of(store, teacher.model) is None
    wrong = (
        (is_without_price, f"A cap in dollars needs a price, and none is known for {teacher.model}.",
         "Give --price-input and --price-output, or cap the calls."),
        (bool(plan.note) and not plan.retry_failed, "A note is for replies that were refused before.",
         "Add --retry-failed."),
        (bool(student) and plan.settled is None, "A student beside the calls is for sequential mode.",
         "Add --mode sequential."),
        (bool(student) and is_batch, "No student scores beside a batch.", "Score the project between two batches."),
        (is_batch and not isinstance(teacher, OpenAITeacher), "A recording has no Batch API.", "Leave out --batch."),
    )  # fmt: skip
    for is_wrong, message, hint in wrong:
        if is_wrong:
            raise SRTError(message, hint)


def _walk(store: Store, steps: Generator[Progress, None, None]) -> None:
    with closing(steps):
        last = show(steps)
    failed = status(store)["failed_reflections"]
    rows = store.rows(f"FROM failed_reflection ORDER BY reflection_id LIMIT {LISTED}")
    typer.echo(f"{last.done - last.failed:,} reflections accepted, {last.failed:,} failed in this run.")
    if last.spent is not None:
        typer.echo(f"{_dollars(last.spent)} spent on this teacher and prompts so far.")
    if last.message:
        typer.echo(last.message)
    list_failures(
        failed, [f"{row['sample_id']} {row['origin']}: {row['reason']} {row['detail']}".strip() for row in rows]
    )


def prompts_(
    file: Annotated[Path | None, typer.Argument(help="A prompts file to check; ours where not given.")] = None,
) -> None:
    """Print the reflection prompts: copy, edit, and give them with --prompts."""
    typer.echo(load_prompts(file).source, nl=False)


def _teacher(
    base_url: str | None,
    model: str | None,
    replay: Path | None,
    key_variable: str,
    temperature: float,
    max_tokens: int,
    deadline: float,
) -> Teacher:
    if replay and not base_url:
        return ReplayTeacher(replay)
    if base_url and model and not replay:
        return OpenAITeacher(
            base_url,
            model,
            api_key_variable=key_variable,
            temperature=temperature,
            max_tokens=max_tokens,
            deadline_seconds=deadline,
        )
    raise SRTError("No teacher was given.", "Give --base-url and --model, or --replay FILE.")


def _scoring(store: Store, student: str, template: str) -> Scoring | None:
    """Make the scoring that runs beside the calls, if a student was given."""
    if not student:
        return None
    errors.print(f"Loading the student {student} …")
    loaded, chosen = load_student(student), load_template(template)

    def scoring(stop: Event) -> Iterator[Progress]:
        return score(store, loaded, chosen, stop=stop)

    return scoring


def _estimate(store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, is_batch: bool) -> Estimate:
    missing = Missing(store, producer_of(store, teacher, prompts), plan.settled, plan.attempts, plan.retry_failed)
    return estimate(missing, teacher, Asker(teacher, prompts), is_batch=is_batch)


def _estimated(found: Estimate) -> str:
    cost = "price not known" if found.cost is None else _dollars(found.cost)
    basis = "as its replies so far" if found.is_measured else "a guess until it has replied; --try 3 makes it better"
    return (
        f"{found.calls:,} calls, {found.prompt_tokens:,} tokens sent, {found.completion_tokens:,} written ({basis}): "
        f"{cost}."
    )


def _dollars(amount: float) -> str:
    return f"{amount:,.2f} US dollars" if amount >= 1 else f"{amount:.4f} US dollars"


def _shown(call: Trial) -> str:
    verdict = "accepted" if call.parsed else f"no reply. {call.answer.detail}"
    if isinstance(call.parsed, Refusal):
        verdict = f"refused, {call.parsed.reason}: {call.parsed.detail}"
    sent = "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in call.request.ask.messages)
    title = f"=== Sample {call.seq}, {call.task.stage} reflection"
    return f"{title}: sent\n{sent}\n{title}: {verdict}\n{call.answer.text or ''}\n"
