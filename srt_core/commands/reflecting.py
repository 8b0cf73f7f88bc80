"""`srt reflect` and `srt prompts`."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from srt_core.commands.common import LISTED, ProjectPath, list_failures
from srt_core.errors import SRTError
from srt_core.pipeline import (
    Asker,
    Caps,
    Estimate,
    Missing,
    Mode,
    Plan,
    Progress,
    Scoring,
    Trial,
    estimate,
    parse_again,
    producer_of,
    reflect,
    reflect_batch,
    score,
    trial,
)
from srt_core.prices import Price, price_of, set_price
from srt_core.prompts import Prompts, Refusal, ReplyFormat, load_prompts
from srt_core.status import FAILED_REFLECTIONS, status
from srt_core.store import Store
from srt_core.student import load_student
from srt_core.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.templates import load_template
from srt_core.terminal import errors, show


def reflect_(
    project: ProjectPath,
    base_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible endpoint, such as http://localhost:8000/v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The teacher's model name at that endpoint.")] = None,
    replay: Annotated[Path | None, typer.Option(help="A file of recorded replies, instead of an endpoint.")] = None,
    mode: Annotated[Mode, typer.Option(help="full: 3 calls a sample; sequential: 2, the same decisions.")] = Mode.FULL,
    student: Annotated[
        str, typer.Option(help="In sequential mode: score with this student beside the calls, in one run.")
    ] = "",
    template: Annotated[str, typer.Option(help="The student's template.")] = "alpaca",
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Calls under way at once, at most.")] = 16,
    requests_per_minute: Annotated[float | None, typer.Option("--rpm", min=0.1, help="Requests a minute.")] = None,
    tokens_per_minute: Annotated[float | None, typer.Option("--tpm", min=1, help="Tokens a minute.")] = None,
    key_variable: Annotated[str, typer.Option(help="The environment variable that holds the key.")] = "OPENAI_API_KEY",
    prompts: Annotated[Path | None, typer.Option(help="Prompts of your own; `srt prompts` shows ours.")] = None,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="0: the likeliest words.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=16, help="Tokens of a reply, at most.")] = 2048,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds that a whole call may take.")] = 120.0,
    reply_format: Annotated[
        ReplyFormat | None, typer.Option(help="json: by a schema; sections: by tags. Found by trying where not given.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="Pause at so many calls of this teacher and prompts, over all runs.")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="The same in US dollars.")] = None,
    price_input: Annotated[float | None, typer.Option(min=0, help="Dollars a million tokens sent.")] = None,
    price_output: Annotated[float | None, typer.Option(min=0, help="Dollars a million tokens written.")] = None,
    price_batch: Annotated[float, typer.Option(min=0, help="What share of that a batch costs.")] = 1.0,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again where a reply was refused.")] = False,
    note: Annotated[str, typer.Option(help="With --retry-failed: a word to the teacher.")] = "",
    only_estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take, and stop.")] = False,
    samples_to_try: Annotated[int, typer.Option("--try", min=0, help="Show both calls of so many samples.")] = 0,
    again: Annotated[bool, typer.Option("--parse-again", help="Read refused replies again; no calls.")] = False,
    batch: Annotated[bool, typer.Option("--batch", help="By the Batch API. Leave it and come back.")] = False,
    wait: Annotated[bool, typer.Option(help="With --batch: wait until all is done.")] = True,
    poll_seconds: Annotated[float, typer.Option(min=0.05, help="With --batch: how often to look.")] = 30.0,
) -> None:
    """Ask the teacher for the rewrites that are missing. Again goes on where it stopped; no reply is paid for twice."""
    with Store.open(project) as store:
        if again:
            typer.echo(show(parse_again(store)).message)
            return
        teacher = _teacher(base_url, model, replay, key_variable, temperature, max_tokens, deadline)
        asked = load_prompts(prompts)
        if price_input is not None and price_output is not None:
            set_price(store, teacher.model, Price(price_input, price_output, price_batch))
        caps = Caps(max_calls, max_cost)
        if max_cost is not None and price_of(store, teacher.model) is None:
            raise SRTError(
                f"A cap in dollars needs a price, and none is known for {teacher.model}.",
                "Give --price-input and --price-output, or cap the calls.",
            )
        plan = Plan(mode, concurrency, 2, retry_failed, note, requests_per_minute, tokens_per_minute, caps,
                    reply_format)  # fmt: skip
        if samples_to_try:
            typer.echo("\n".join(_shown(each) for each in trial(store, teacher, asked, samples_to_try, reply_format)))
            return
        if only_estimate:
            typer.echo(_estimated(_estimate(store, teacher, asked, plan, batch)))
            return
        if batch:
            steps = _batch(store, teacher, asked, plan, wait, poll_seconds)
        else:
            steps = reflect(store, teacher, asked, plan, scoring=_scoring(store, student, template, mode))
        _walk(store, steps)


def _walk(store: Store, steps: Iterator[Progress]) -> None:
    with closing(steps):  # type: ignore[type-var]
        last = show(steps)
    failed = status(store)["failed_reflections"]
    rows = store.rows(f"{FAILED_REFLECTIONS} ORDER BY reflection_id LIMIT {LISTED}")
    typer.echo(f"{last.done - last.failed:,} reflections accepted, {last.failed:,} failed in this run.")
    if last.spent is not None:
        typer.echo(f"{last.spent:,.4f} US dollars spent on this teacher and prompts so far.")
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


def _scoring(store: Store, student: str, template: str, mode: Mode) -> Scoring | None:
    """Make the scoring that runs beside the calls, if a student was given."""
    if not student:
        return None
    if mode is not Mode.SEQUENTIAL:
        raise SRTError("A student beside the calls is for sequential mode.", "Add --mode sequential.")
    errors.print(f"Loading the student {student} …")
    loaded, chosen = load_student(student), load_template(template)

    def scoring(stop: Event) -> Iterator[Progress]:
        return score(store, loaded, chosen, stop=stop)

    return scoring


def _batch(
    store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, wait: bool, poll_seconds: float
) -> Iterator[Progress]:
    if not isinstance(teacher, OpenAITeacher):
        raise SRTError("A recording has no Batch API.", "Leave out --batch.")
    return reflect_batch(store, teacher, prompts, plan, wait=wait, poll_seconds=poll_seconds)


def _estimate(store: Store, teacher: Teacher, prompts: Prompts, plan: Plan, is_batch: bool) -> Estimate:
    missing = Missing(store, producer_of(store, teacher, prompts), plan.mode, plan.attempts, plan.retry_failed)
    return estimate(missing, teacher, Asker(teacher, prompts), is_batch=is_batch)


def _estimated(found: Estimate) -> str:
    cost = "price not known" if found.cost is None else f"{found.cost:,.2f} US dollars"
    basis = "as its replies so far" if found.is_measured else "a guess until it has replied; --try 3 makes it better"
    return (
        f"{found.calls:,} calls, {found.prompt_tokens:,} tokens sent, {found.completion_tokens:,} written ({basis}): "
        f"{cost}."
    )


def _shown(call: Trial) -> str:
    verdict = "accepted" if call.parsed else f"no reply: {call.answer.detail}"
    if isinstance(call.parsed, Refusal):
        verdict = f"refused, {call.parsed.reason}: {call.parsed.detail}"
    sent = "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in call.request.ask.messages)
    title = f"=== Sample {call.seq}, {call.task.stage} reflection"
    return f"{title}: sent\n{sent}\n{title}: {verdict}\n{call.answer.text or ''}\n"
