"""The command line, `srt` or `python -m srt_core`: the same core as the screens.

Progress goes to stderr, results to stdout. Exit codes: 0 done, 1 done with failures listed, 2 not done.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from srt_core.commands.app import app_
from srt_core.commands.common import LISTED, NOT_DONE, ProjectPath, lines_of, list_failures, user_name
from srt_core.commands.exports import exports_
from srt_core.commands.kinds import kinds_
from srt_core.commands.people import people
from srt_core.commands.reflect import prompts_, reflect_
from srt_core.commands.score import score_, scorings_
from srt_core.commands.terminal import errors, show
from srt_core.commands.trust import trust_
from srt_core.errors import SRTError
from srt_core.export.contents import Scope
from srt_core.export.export import export
from srt_core.export.formats import FORMATS
from srt_core.importing.files import FORMATS as FILE_FORMATS
from srt_core.importing.files import parse_map
from srt_core.importing.run import import_file
from srt_core.project.candidates import find_sample
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.status import status
from srt_core.score.templates import TEMPLATE_NAMES, load_template
from srt_core.select import policies, selection
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from srt_core.steps.demo import fill_demo, is_demo, score_demo

app = typer.Typer(help=__doc__.splitlines()[0] if __doc__ else "", no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False)  # fmt: skip


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
            refresh(store)
    typer.echo(f"Created {project}.")


@app.command("import")
def import_(
    project: ProjectPath,
    file: Annotated[Path, typer.Argument(help="The file to import.", show_default=False)],
    format: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(FILE_FORMATS)}; detected where not given.")
    ] = None,
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
    list_failures(rejected, [f"row {row['row']}{_line(row['line'])}: {row['reason']}" for row in reversed(rows)])


app.command("reflect")(reflect_)
app.command("prompts")(prompts_)
app.add_typer(people, name="people")
app.command("score")(score_)
app.command("scorings")(scorings_)
app.command("kinds")(kinds_)


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
        policy = policies.find_policy(store, preset) if preset else applied_policy(store)
        policy = policies.change(policy, set or [])
        selection.apply(store, policy, user_name())
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
    author = by or user_name()
    with Store.open(project) as store:
        refresh(store)
        name = find_sample(store, sample)
        standing = decisions.standing(store, name)
        standing_id = standing.event_id if standing else None
        if action == "undo" and not origin:
            if standing_id is None:
                raise SRTError(f"Sample {name} has no decision to undo.", "See srt status.")
            decisions.undo(store, standing_id, author)
        else:
            decisions.decide(store, _decision(store, name, action, origin, author), expected_event_id=standing_id)
        now = decisions.standing(store, name)
    typer.echo(f"{name}: {now.action + ' ' + (now.origin or '') if now else 'open'}".rstrip() + f" by {author}.")


@app.command("export")
def export_(
    project: ProjectPath,
    out_dir: Annotated[Path, typer.Argument(help="The folder to write to.", show_default=False)],
    format: Annotated[list[str], typer.Option(help=f"One of {', '.join(FORMATS)}; may be given several times.")],
    scope: Annotated[
        Scope, typer.Option(help="verdicts: decisions, else the rule; approved: decisions only.")
    ] = Scope.VERDICTS,
) -> None:
    """Write the verdicts for training, read them back, and add a manifest."""
    with Store.open(project) as store:
        for name in format:
            written = export(store, out_dir, name, scope=scope, by=user_name())
            typer.echo(f"{written.path}: {written.rows:,} rows, sha256 {written.sha256}")


@app.command("status")
def status_(
    project: ProjectPath,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Count everything in a project."""
    with Store.open(project) as store:
        found = status(store)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines_of(found)))


app.command("exports")(exports_)
app.command("trust")(trust_)


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


app.command("app")(app_)


def main() -> None:
    """Run the command line; an SRTError becomes a message on stderr and exit code 2, never a traceback."""
    try:
        app()
    except SRTError as error:
        errors.print(f"Error: {error.message}")
        if error.hint:
            errors.print(error.hint)
        sys.exit(NOT_DONE)


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


def _rejected(store: Store) -> int:
    return int(store.value("SELECT count(*) FROM reject"))


def _line(line: int | None) -> str:
    return f" (line {line})" if line else ""
