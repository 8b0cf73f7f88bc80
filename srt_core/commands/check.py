"""`srt check`: whether a project file is whole, and what is wrong with it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from srt_core.commands.common import DONE_WITH_FAILURES, ProjectPath
from srt_core.commands.terminal import errors, say, show
from srt_core.project.checking import Fault, check
from srt_core.project.rules import project_checks
from srt_core.project.store import Store
from srt_core.select.checking import DERIVED

_WAY_OUT = "Restore a copy of it from before. What can still be read can be exported, and read by: srt status {}"


def check_(
    project: ProjectPath,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Verify a project: every block, table, link, text and count. Nothing is written."""
    faults: list[Fault] = []
    checks = [*project_checks(), DERIVED]
    with Store.open(project, read_only=True) as store:
        show(check(store, checks, faults), resume="Nothing was written.")
        samples = int(store.value("SELECT count(*) FROM sample"))
    if as_json:
        say(json.dumps({"checks": len(checks), "faults": [asdict(fault) for fault in faults]}, ensure_ascii=False))
    else:
        for fault in faults:
            say(str(fault))
        if not faults:
            say(f"{project} is whole: {len(checks):,} checks over {samples:,} samples found nothing.")
    if faults:
        errors.print(_WAY_OUT.format(project))
        raise typer.Exit(DONE_WITH_FAILURES)
