"""The step trial: the teacher is asked about a few samples, and nothing is made of its replies."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.prompts import Refusal
from srt_core.reflect.trial import TRIAL_SAMPLES, Trial, trial, tried
from srt_core.steps.preparing import make_plan, make_prompts, make_teacher, prepare
from srt_core.steps.reflect_arguments import ARGUMENTS
from srt_core.steps.step import Arguments, Report, Step


def read_trial(store: Store, asked: Arguments) -> list[Trial]:
    """Read what a trial with these arguments brought."""
    count = asked["samples"] or TRIAL_SAMPLES
    return tried(store, make_teacher(asked), make_prompts(asked), make_plan(asked), count)


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    teacher, prompts, plan = prepare(store, asked)
    yield from trial(store, teacher, prompts, plan, asked["samples"] or TRIAL_SAMPLES, stop=stop)


def _report(store: Store, asked: Arguments, _last: Progress) -> Report:
    return Report([_shown(call) for call in read_trial(store, asked)])


def _shown(call: Trial) -> str:
    verdict = "accepted" if call.parsed else f"no reply. {call.answer.detail}"
    if isinstance(call.parsed, Refusal):
        verdict = f"refused, {call.parsed.reason}: {call.parsed.detail}"
    sent = "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in call.request.ask.messages)
    title = f"=== Sample {call.seq}, {call.task.stage} reflection"
    return f"{title}: sent\n{sent}\n{title}: {verdict}\n{call.answer.text or ''}\n"


TRIAL = Step(
    "trial",
    "Trial",
    "replies",
    _run,
    ARGUMENTS,
    failed="without a reply",
    report=_report,
    reports_when_stopped=True,
    is_work=False,
)
