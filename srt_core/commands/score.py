"""`srt score` and `srt scorings`."""

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from srt_core.commands.common import LISTED, ProjectPath, lines_of, list_failures, user_name
from srt_core.commands.terminal import errors, show
from srt_core.methods import METHODS, student_and_template
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.review.status import status
from srt_core.score.ifd import Convention
from srt_core.score.run import is_scored, score
from srt_core.score.scorings import COMPARED, scorings, use_scoring
from srt_core.score.student import Engine, files_stamp, open_student
from srt_core.score.templates import TEMPLATE_NAMES, load_template
from srt_core.select.compare.students import agreement, same_selections
from srt_core.select.derive import refresh

_SCORING = ("scoring_id", "in_use", "student", "dtype", "template", "convention", "max_length", "scored")
_SUGGESTING = [name for name, method in METHODS.items() if method.student or method.template]


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
        refresh(store)
        rows = store.rows(
            f"""SELECT sample_id, origin, status FROM score JOIN candidate USING (candidate_id)
                WHERE scoring_id = ? AND (ifd IS NULL OR r_ifd IS NULL) ORDER BY candidate_id LIMIT {LISTED}""",
            [store.scoring_id()],
        )
        without = status(store)["unscored"]
    typer.echo(f"{last.done:,} candidates scored in {last.elapsed_seconds:.1f} s, {without:,} without IFD or r-IFD.")
    if last.message:
        typer.echo(last.message)
    list_failures(without, [f"{row['sample_id']} {row['origin']}: {row['status']}" for row in rows])


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
            use_scoring(store, use, user_name())
            refresh(store)
        found = [{name: row[name] for name in _SCORING} for row in scorings(store)]
    if as_json:
        typer.echo(json.dumps({"scorings": found, "compared": compared}, ensure_ascii=False))
        return
    for row in found:
        used = " (in use)" if row["in_use"] else ""
        typer.echo("{scoring_id}{used}: {student}, {dtype}, template {template}, {convention}, max length "
                   "{max_length}, {scored:,} candidates scored".format(used=used, **row))  # fmt: skip
    typer.echo("\n".join(lines_of(compared or {})), nl=bool(compared))


def _compared(store: Store, one: int, other: int) -> dict[str, Any]:
    measures: dict[str, Any] = {measure: asdict(agreement(store, one, other, measure)) for measure in COMPARED}
    for found in measures.values():
        found["rho"] = None if found["rho"] is None else round(found["rho"], 6)
    return {**measures, "selections": asdict(same_selections(store, one, other))}
