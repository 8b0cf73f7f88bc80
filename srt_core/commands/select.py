"""`srt select`."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.review.status import describe_export, status
from srt_core.select import policies, selection
from srt_core.select.policy import applied_policy


def select(
    project: ProjectPath,
    preset: Annotated[str | None, typer.Option(help="A policy by name; the applied one where not given.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change an option: max_ifd=1.0, max_r_ifd=none, …")
    ] = None,
) -> None:
    """Apply a policy and count what it picks. Human decisions stay as they are."""
    with open_project(project) as store:
        policy = policies.find_policy(store, preset) if preset else applied_policy(store)
        policy = policies.change(policy, set or [])
        selection.apply(store, policy, user_name())
        all_counts = status(store)
    found = all_counts["selected"]
    typer.echo(f"Policy {policy.name}: {found['total']:,} samples kept.")
    for title, counts in (("origin", found["by_origin"]), ("reason", found["by_reason"])):
        for name, number in counts.items():
            typer.echo(f"  {title} {name}: {number:,}")
    typer.echo(describe_export(all_counts["verdicts"], all_counts["parked_kept"]))
