"""The command line, `srt` or `python -m srt_core`: the same core as the screens.

Progress goes to stderr, results to stdout. Exit codes: 0 done, 1 done with failures listed, 2 not done.
"""

import getpass
import json
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from srt_core import ledger, policies, selection
from srt_core.agreement import agreement, same_selections
from srt_core.datasets import FORMATS, parse_map
from srt_core.demo import fill_demo, is_demo, score_demo
from srt_core.errors import SRTError
from srt_core.export import FILES, Scope, export
from srt_core.ifd import Convention
from srt_core.methods import METHODS, student_and_template
from srt_core.pipeline import Mode, Progress, import_file, is_scored, reflect, score
from srt_core.prompts import load_prompts
from srt_core.records import Action, Decision, Origin
from srt_core.samples import find_sample
from srt_core.scorings import MEASURES, scorings, use_scoring
from srt_core.status import FAILED_REFLECTIONS, status
from srt_core.store import Store
from srt_core.student import Engine, files_stamp, open_student
from srt_core.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.templates import TEMPLATE_NAMES, load_template
from srt_core.terminal import errors, show

DONE, DONE_WITH_FAILURES, NOT_DONE = 0, 1, 2
LISTED = 20

app = typer.Typer(help=__doc__.splitlines()[0] if __doc__ else "", no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False)  # fmt: skip

_SCORING = ("scoring_id", "in_use", "student", "dtype", "template", "convention", "max_length", "scored")
_SUGGESTING = [name for name, method in METHODS.items() if method.student or method.template]

ProjectPath = Annotated[Path, typer.Argument(help="The project file.", show_default=False)]


@app.command()
def init(
    project: ProjectPath,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with the demo samples, their rewrites and scores.")
    ] = False,
) -> None:
    """Create a project."""
    with Store.open(project) if demo and is_demo(project) else Store.create(project) as store:
        if demo:
            show(fill_demo(store))
            show(score_demo(store))
            selection.refresh(store)
    typer.echo(f"Created {project}.")


@app.command("import")
def import_(
    project: ProjectPath,
    file: Annotated[Path, typer.Argument(help="The file to import.", show_default=False)],
    format: Annotated[str | None, typer.Option(help=f"One of {', '.join(FORMATS)}; detected where not given.")] = None,
    map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help='A column: original.instruction="Raw Instruction", reflected.response=..., once each.'
        ),
    ] = None,
    first_turn_only: Annotated[
        bool, typer.Option("--first-turn-only", help="Take the first turn of conversations.")
    ] = False,
) -> None:
    """Import pairs, and rewrites of them where the file has any. Again is safe: nothing is added twice."""
    column_map = parse_map(map) if map else None
    with Store.open(project) as store:
        before = _rejected(store)
        last = show(import_file(store, file, format=format, column_map=column_map, first_turn_only=first_turn_only,
                                author=f"import of {file.name}"))  # fmt: skip
        typer.echo(last.message + ".")
        rejected = _rejected(store) - before
        rows = store.rows('SELECT "row", line, reason FROM reject ORDER BY rowid DESC LIMIT ?', [min(rejected, LISTED)])
    _list_failures(rejected, [f"row {row['row']}{_line(row['line'])}: {row['reason']}" for row in reversed(rows)])


@app.command("reflect")
def reflect_(
    project: ProjectPath,
    base_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible endpoint, such as http://localhost:8000/v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The teacher's model name at that endpoint.")] = None,
    replay: Annotated[Path | None, typer.Option(help="A file of recorded replies, instead of an endpoint.")] = None,
    mode: Annotated[Mode, typer.Option(help="full: 3 calls a sample; sequential: 2, the same decisions.")] = Mode.FULL,
    concurrency: Annotated[int, typer.Option(min=1, max=1024, help="Calls under way at once.")] = 8,
    key_variable: Annotated[str, typer.Option(help="The environment variable that holds the key.")] = "OPENAI_API_KEY",
    prompts: Annotated[Path | None, typer.Option(help="Reflection prompts of your own, as a TOML file.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again where a reply was refused.")] = False,
) -> None:
    """Ask the teacher for the rewrites that are missing. Again goes on where it stopped."""
    teacher = _teacher(base_url, model, replay, key_variable)
    with Store.open(project) as store:
        last = show(
            reflect(store, teacher, load_prompts(prompts), mode=mode, concurrency=concurrency,
                    attempts=1 if replay else 2, retry_failed=retry_failed)
        )  # fmt: skip
        failed = status(store)["failed_reflections"]
        rows = store.rows(f"{FAILED_REFLECTIONS} ORDER BY reflection_id LIMIT {LISTED}")
    typer.echo(f"{last.done - last.failed:,} reflections accepted, {last.failed:,} failed in this run.")
    if last.message:
        typer.echo(last.message)
    _list_failures(
        failed, [f"{row['sample_id']} {row['origin']}: {row['reason']} {row['detail']}".strip() for row in rows]
    )


@app.command("score")
def score_(
    project: ProjectPath,
    student: Annotated[str, typer.Option(help="A model folder or hub name; the method's where not given.")] = "",
    template: Annotated[
        str, typer.Option(help=f"One of {', '.join(TEMPLATE_NAMES)}, or a TOML file; else the method's, else alpaca.")
    ] = "",
    method: Annotated[str, typer.Option(help=f"Score as its paper does: {', '.join(_SUGGESTING)}.")] = "",
    convention: Annotated[Convention, typer.Option(help="How texts become tokens.")] = Convention.ALIGNED,
    max_length: Annotated[int, typer.Option(min=2, help="Tokens; the student's own limit where that is less.")] = 2048,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto (float32 on a CPU, bfloat16 on a GPU), float32, bfloat16.")] = "auto",
    token_budget: Annotated[
        int | None, typer.Option(min=64, help="Tokens computed at once; 2048 on a CPU, 4096 on a GPU.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="ray: on a cluster; needs the extra srt-curator[ray].")] = Engine.LOCAL,
    address: Annotated[
        str | None, typer.Option(help="The Ray cluster, host:port or auto; one is started here where not given.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Ray workers; one a GPU where not given, or one a core without GPUs.")
    ] = None,
) -> None:
    """Score every candidate with the student. Again goes on where it stopped."""
    student, template = student_and_template(method, student, template)
    with Store.open(project) as store:
        chosen = load_template(template)
        stamp = files_stamp(student, engine, device, dtype, chosen.hash, convention, str(max_length))

        def steps() -> Generator[Progress, None, None]:
            if is_scored(store, stamp):
                yield Progress("candidates", message="Everything was scored before.")
                return
            errors.print(f"Loading the student {student} …")
            with open_student(
                student, engine=engine, address=address, workers=workers, device=device, dtype=dtype
            ) as loaded:
                yield from score(
                    store, loaded, chosen, convention=convention, max_length=max_length, token_budget=token_budget,
                    stamp=stamp,
                )  # fmt: skip

        with closing(steps()) as progress:
            last = show(progress)
        selection.refresh(store)
        rows = store.rows(
            f"""SELECT sample_id, origin, status FROM score JOIN candidate USING (candidate_id)
                WHERE scoring_id = ? AND (ifd IS NULL OR r_ifd IS NULL) ORDER BY candidate_id LIMIT {LISTED}""",
            [int(store.meta("scoring_id") or 0)],
        )
        without = int(store.value("SELECT coalesce(sum(unscored), 0) FROM panel"))
    typer.echo(f"{last.done:,} candidates scored in {last.elapsed_seconds:.1f} s, {without:,} without IFD or r-IFD.")
    if last.message:
        typer.echo(last.message)
    _list_failures(without, [f"{row['sample_id']} {row['origin']}: {row['status']}" for row in rows])


@app.command("scorings")
def scorings_(
    project: ProjectPath,
    use: Annotated[int | None, typer.Option(help="Put the scoring of this number in use; it then selects.")] = None,
    compare: Annotated[
        tuple[int, int] | None, typer.Option(help="Two numbers: how alike these scorings score and select.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """List the scorings: each student, template, convention and max length that scored the project."""
    with Store.open(project) as store:
        compared = _compared(store, *compare) if compare else None
        if use is not None:
            use_scoring(store, use)
            selection.refresh(store)
        found = [{name: row[name] for name in _SCORING} for row in scorings(store)]
    if as_json:
        typer.echo(json.dumps({"scorings": found, "compared": compared}, ensure_ascii=False))
        return
    for row in found:
        used = " (in use)" if row["in_use"] else ""
        typer.echo("{scoring_id}{used}: {student}, {dtype}, template {template}, {convention}, max length "
                   "{max_length}, {scored:,} candidates scored".format(used=used, **row))  # fmt: skip
    typer.echo("\n".join(_lines(compared or {})), nl=bool(compared))


@app.command()
def select(
    project: ProjectPath,
    preset: Annotated[str | None, typer.Option(help="A policy by name; the applied one where not given.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change an option: max_ifd=1.0, max_r_ifd=none, …")
    ] = None,
) -> None:
    """Apply a policy and count what it picks. Human decisions stay as they are."""
    with Store.open(project) as store:
        policy = policies.find_policy(store, preset) if preset else selection.applied_policy(store)
        policy = policies.change(policy, set or [])
        selection.apply(store, policy, _user())
        found = status(store)["selected"]
    typer.echo(f"Policy {policy.name}: {found['total']:,} samples kept.")
    for title, counts in (("origin", found["by_origin"]), ("reason", found["by_reason"])):
        for name, number in counts.items():
            typer.echo(f"  {title} {name}: {number:,}")


@app.command()
def decide(
    project: ProjectPath,
    sample: Annotated[str, typer.Argument(help="The sample's id or number.", show_default=False)],
    action: Annotated[str, typer.Argument(help="approve, reject, park, choose or undo.", show_default=False)],
    origin: Annotated[
        str | None, typer.Argument(help="With choose: ORIGINAL, RESPONSE, INSTRUCTION or BOTH.", show_default=False)
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:
    """Decide one sample. Approve takes the candidate that won the rule's walk; choose takes any."""
    author = by or _user()
    with Store.open(project) as store:
        selection.refresh(store)
        name = find_sample(store, sample)
        standing = ledger.standing(store, name)
        upon = standing.event_id if standing else None
        if action == "undo" and not origin:
            if upon is None:
                raise SRTError(f"Sample {name} has no decision to undo.", "See srt status.")
            ledger.undo(store, upon, author)
        else:
            ledger.decide(store, _decision(store, name, action, origin, author), upon=upon)
        now = ledger.standing(store, name)
    typer.echo(f"{name}: {now.action + ' ' + (now.origin or '') if now else 'open'}".rstrip() + f" by {author}.")


@app.command("export")
def export_(
    project: ProjectPath,
    out_dir: Annotated[Path, typer.Argument(help="The folder to write to.", show_default=False)],
    format: Annotated[list[str], typer.Option(help=f"One of {', '.join(FILES)}; may be given several times.")],
    scope: Annotated[
        Scope, typer.Option(help="verdicts: decisions, else the rule; approved: decisions only.")
    ] = Scope.VERDICTS,
) -> None:
    """Write the verdicts for training, read them back, and add a manifest."""
    with Store.open(project) as store:
        for name in format:
            written = export(store, out_dir, name, scope=scope, by=_user())
            typer.echo(f"{written.path}: {written.rows:,} rows, sha256 {written.sha256}")


@app.command("status")
def status_(
    project: ProjectPath,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Count everything in a project."""
    with Store.open(project) as store:
        found = status(store)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


@app.command()
def templates(
    name: Annotated[str | None, typer.Argument(help="A template; all where not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the student's prompt templates, exactly as they are filled in."""
    shown = [load_template(each) for each in ([name] if name else TEMPLATE_NAMES)]
    texts: list[dict[str, Any]] = [asdict(template) for template in shown]
    if as_json:
        typer.echo(json.dumps(texts[0] if name else texts, ensure_ascii=False, indent=2))
        return
    for each in texts:
        typer.echo("\n".join(f"{each['name']}.{part} = {text!r}" for part, text in each.items() if part != "name"))


@app.command("app")
def app_(
    project: Annotated[
        Path | None, typer.Argument(help="The project to open; the demo project where not given.")
    ] = None,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
) -> None:
    """Start the app on this machine."""
    script = Path(__file__).parent.parent / "app.py"
    if not script.is_file():
        raise SRTError(f"The app's pages are not at {script.parent}.", "Run srt app from a checkout of the source.")
    environment = dict(os.environ)
    if project:
        Store.open(project).close()  # says plainly what is wrong before a browser opens
        environment["SRT_PROJECT"] = str(project.resolve())
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port),
               "--server.headless", str(not browser).lower()]  # fmt: skip
    os.chdir(script.parent)
    os.execve(sys.executable, command, environment)  # this very process: a signal to it ends the app


def main() -> None:
    """Run the command line; an SRTError becomes a message on stderr and exit code 2, never a traceback."""
    try:
        app()
    except SRTError as error:
        errors.print(f"Error: {error.message}")
        if error.hint:
            errors.print(error.hint)
        sys.exit(NOT_DONE)


def _compared(store: Store, one: int, other: int) -> dict[str, Any]:
    measures: dict[str, Any] = {measure: asdict(agreement(store, one, other, measure)) for measure in MEASURES}
    for found in measures.values():
        found["rho"] = None if found["rho"] is None else round(found["rho"], 6)
    return {**measures, "selections": asdict(same_selections(store, one, other))}


def _teacher(base_url: str | None, model: str | None, replay: Path | None, key_variable: str) -> Teacher:
    if replay and not base_url:
        return ReplayTeacher(replay)
    if base_url and model and not replay:
        return OpenAITeacher(base_url, model, api_key_variable=key_variable)
    raise SRTError("No teacher was given.", "Give --base-url and --model, or --replay FILE.")


def _decision(store: Store, sample: str, action: str, origin: str | None, author: str) -> Decision:
    if action == "choose":
        if (origin or "").upper() not in list(Origin):
            raise SRTError("Choose which candidate?", f"Write: choose {' | '.join(Origin)}.")
        return Decision(sample, Action.CHOOSE, author, Origin(str(origin).upper()))
    if origin:
        raise SRTError(f"{action} takes no candidate.", f"To take that one, write: choose {origin}.")
    if action == "approve":
        winner = store.value("SELECT winner FROM selection WHERE sample_id = ?", [sample])
        return Decision(sample, Action.APPROVE, author, Origin(winner))
    if action in ("reject", "park"):
        return Decision(sample, Action(action), author)
    raise SRTError(f"There is no action {action}.", "Use approve, reject, park, undo or choose ORIGIN.")


def _list_failures(number: int, lines: list[str]) -> None:
    """List failures on stderr and end with exit code 1, if there are any."""
    if not number:
        return
    for line in lines:
        errors.print(f"  {line}")
    if number > len(lines):
        errors.print(f"  … and {number - len(lines):,} more.")
    raise typer.Exit(DONE_WITH_FAILURES)


def _rejected(store: Store) -> int:
    return int(store.value("SELECT count(*) FROM reject"))


def _line(line: int | None) -> str:
    return f" (line {line})" if line else ""


def _lines(counts: dict[str, Any], indent: str = "") -> Iterator[str]:
    for name, value in counts.items():
        if isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value:,}" if isinstance(value, int) else f"{indent}{name}: {value}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user the system has no name for, as in many containers
        return f"user {os.getuid()}"


if __name__ == "__main__":
    main()
