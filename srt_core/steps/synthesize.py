"""The step synthesize: a student writes samples of a task, and what its guards let pass is imported."""

from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Event

from srt_core.errors import SRTError
from srt_core.importing.files import Account, ImportRow
from srt_core.importing.imports import begin_import, finish_import
from srt_core.importing.marks import BY_NAME, find_marks
from srt_core.importing.samples import SYNTHETIC, add_rows
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.reflect.synthesis import Plan, Task, funnel, held_back, read_task, synthesize, taken
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.steps.preparing import read_extra_body
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Row, Step, Widget

CHUNK = 1_000
LISTED = 20
STUDENT, AMOUNT = "Student", "How much"

ARGUMENTS = (
    Argument("task", Path, "", option=Option("The task, a TOML file.", "task", type=Path, is_positional=True),
             field=Field("Task file on this server", "TOML: name, instruction, two examples or more.",
                         key="task_path", placeholder="/data/task.toml"), reach=Reach.FILE),
    Argument("base_url", str, "", option=Option("The endpoint that serves the student, OpenAI-compatible."),
             field=Field("Base URL of the student", key="student_url", placeholder="http://127.0.0.1:8000/v1"),
             group=STUDENT, reach=Reach.HOST),
    Argument("model", str, "", option=Option("The student's name at that endpoint."),
             field=Field("Model", key="student_model"), group=STUDENT),
    Argument("key_variable", str, "OPENAI_API_KEY", option=Option("The environment variable that holds the key."),
             field=Field("Variable with the key", key="student_key"), group=STUDENT, reach=Reach.KEY),
    Argument("extra_body", str, "", option=Option("Further fields of each request, as JSON. No key: it is stored."),
             group=STUDENT),
    Argument("deadline_seconds", float, 120.0, option=Option("Seconds that a call may take.", "deadline", low=0.1),
             group=STUDENT),
    Argument("max_tokens", int, 512, option=Option("Tokens of a reply, at most.", low=4), group=STUDENT),
    Argument("concurrency", int, 8, option=Option("Calls under way at once.", low=1, high=1024), group=STUDENT),
    Argument("n", int, 10, option=Option("Answers to each input; agreement is of all of them.", low=1),
             field=Field("Answers to each input", widget=Widget.NUMBER, key="synthesis_n", low=1), group=AMOUNT),
    Argument("rounds", int, 40, option=Option("Rounds of inputs, each shown some of those before.", low=1),
             field=Field("Rounds of inputs", widget=Widget.NUMBER, key="synthesis_rounds", low=1), group=AMOUNT),
    Argument("inputs", int, 10, option=Option("Inputs of a round.", low=1),
             field=Field("Inputs a round", widget=Widget.NUMBER, key="synthesis_inputs", low=1), group=AMOUNT),
    Argument("agreement", float, 0.3, option=Option("The share of answers that has to agree.", low=0, high=1),
             field=Field("Agreement needed", widget=Widget.NUMBER, key="synthesis_agreement", low=0.0, high=1.0,
                         step=0.05), group=AMOUNT),
    Argument("input_temperature", float, 0.7, option=Option("Of inputs.", low=0, high=2), group=AMOUNT),
    Argument("answer_temperature", float, 0.2, option=Option("Of answers.", low=0, high=2), group=AMOUNT),
    Argument("seed", int, 0, option=Option("Of what is shown and asked for."), group=AMOUNT),
)  # fmt: skip


def _task(asked: Arguments) -> Task:
    if not asked["task"]:
        raise SRTError("No task was given.", "Name its file; docs/methods.md has one.")
    return read_task(Path(asked["task"]).expanduser())


def _student(asked: Arguments, temperature: float) -> OpenAITeacher:
    if not (asked["base_url"] and asked["model"]):
        raise SRTError(
            "No endpoint of the student was given.",
            "Serve it, as `transformers serve FOLDER` or vLLM do, and give --base-url and --model.",
        )
    return OpenAITeacher(
        asked["base_url"], asked["model"], api_key_variable=asked["key_variable"], temperature=temperature,
        max_tokens=asked["max_tokens"], deadline_seconds=asked["deadline_seconds"],
        extra_body=read_extra_body(asked["extra_body"]),
    )  # fmt: skip


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    task = _task(asked)
    writer, answerer = (_student(asked, asked[name]) for name in ("input_temperature", "answer_temperature"))
    plan = Plan(asked["rounds"], asked["inputs"], asked["n"], asked["agreement"], asked["seed"], asked["concurrency"])
    progress = Progress("tries")
    for progress in synthesize(store, task, writer, answerer, plan, stop=stop):
        yield progress
    if not stop.is_set():
        added = _import(store, task, writer.name)
        for _ in find_marks(store, (BY_NAME[SYNTHETIC],), stop=stop):
            pass
        yield progress.moved(0, message=f"{counted(added, 'sample')} added")


def _import(store: Store, task: Task, student: str) -> int:
    """Import what is taken and is not there yet, as one import of the task; returns how many samples are new."""
    rows = taken(store, task, student)
    if not rows:
        return 0
    import_id = begin_import(store, f"{task.name}, by {student}", task.hash, SYNTHETIC, {"student": student})
    sql = 'SELECT "row" FROM import_row WHERE import_id = ?'
    there = {row["row"] for row in store.rows(sql, [import_id])}
    new = [
        ImportRow(each.input_id, None, each.pair, extra={"synthetic": f"by {student}", "agreement": each.agreement})
        for each in rows
        if each.input_id not in there
    ]
    author = f"import of {task.name}"
    added = add_rows(store, import_id, new, author)
    finish_import(store, import_id, author, added, Account())
    return added.samples


def _report(store: Store, asked: Arguments, last: Progress) -> Report:
    task, student = _task(asked), _student(asked, 0.0).name
    return Report([last.message, *funnel_lines(store, task.hash, student)] if last.message else [], 0)


def funnel_lines(store: Store, task: str, student: str) -> Sequence[str]:
    """Say what each guard held back, a line a guard."""
    return [
        f"{each.step} {each.guard}: {each.held_back:,} of {each.looked_at:,} held back"
        + (f", {each.restored:,} taken by hand" if each.restored else "")
        for each in funnel(store, task, student)
    ]


def held_lines(store: Store, task: str, student: str, guard: str = "") -> Sequence[str]:
    """List what was held back, with why."""
    return [
        f"{each.generation_id} {each.step}, {each.guard}: {each.detail}; {' '.join(each.raw.split())[:80]}"
        + (" (taken by hand)" if each.is_restored else "")
        for each in held_back(store, task, student, LISTED, guard)
    ]


SYNTHESIZE = Step(
    "synthesize",
    "Synthesis",
    "tries",
    _run,
    ARGUMENTS,
    help="Have the student write samples of a task, and import what its guards let pass (SELF-GUIDE). Again goes on.",
    failed="without a reply",
    report=_report,
    rows=(
        Row(("task",)),
        Row(("base_url", "model", "key_variable"), (3, 2, 2)),
        Row(("rounds", "inputs", "n", "agreement")),
    ),
    then="marks",
)
