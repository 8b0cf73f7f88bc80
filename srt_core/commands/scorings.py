"""`srt scorings`."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from srt_core.commands.common import ProjectPath, lines_of, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.project.store import Store
from srt_core.score.scorings import COMPARED, scorings, use_scoring
from srt_core.select.compare.students import agreement, same_selections
from srt_core.select.derive import refresh

_SCORING = ("scoring_id", "in_use", "student", "dtype", "template", "convention", "max_length", "scored")


def scorings_(
    project: ProjectPath,
    use: Annotated[int | None, typer.Option(help="Put the scoring of this number in use; it then selects.")] = None,
    compare: Annotated[
        tuple[int, int] | None, typer.Option(help="Two numbers: how alike these scorings score and select.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """List the scorings: each student, template, convention and max length that scored the project."""
    with open_project(project) as store:
        compared = _compared(store, *compare) if compare else None
        if use is not None:
            use_scoring(store, use, user_name())
            refresh(store)
        found = [{name: getattr(each, name) for name in _SCORING} for each in scorings(store)]
    if as_json:
        say(json.dumps({"scorings": found, "compared": compared}, ensure_ascii=False))
        return
    for row in found:
        used = " (in use)" if row["in_use"] else ""
        say("{scoring_id}{used}: {student}, {dtype}, template {template}, {convention}, max length "
                   "{max_length}, {scored:,} versions scored".format(used=used, **row))  # fmt: skip
    say("\n".join(lines_of(compared or {})), nl=bool(compared))


def _compared(store: Store, one: int, other: int) -> dict[str, Any]:
    measures: dict[str, Any] = {measure: asdict(agreement(store, one, other, measure)) for measure in COMPARED}
    for found in measures.values():
        found["rho"] = None if found["rho"] is None else round(found["rho"], 6)
    return {**measures, "selections": asdict(same_selections(store, one, other))}
