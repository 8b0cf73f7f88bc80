"""`srt select`."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.review.status import describe_export, status
from srt_core.select import selection
from srt_core.select.policy import applied_policy, change, find_policy


def select(
    project: ProjectPath,
    preset: Annotated[str | None, typer.Option(help="A policy by name; the applied one where not given.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change an option: max_ifd=1.0, max_r_ifd=none, …")
    ] = None,
) -> None:
    """Apply a policy and count what it picks. Human decisions stay as they are."""
    with open_project(project) as store:
        policy = find_policy(store, preset) if preset else applied_policy(store)
        policy = change(policy, set or [])
        selection.apply(store, policy, user_name())
        counts = status(store)
    found = counts["selected"]
    say(f"Policy {policy.name}: {found['total']:,} samples kept.")
    for title, numbers in (("origin", found["by_origin"]), ("reason", found["by_reason"])):
        for name, number in numbers.items():
            say(f"  {title} {name}: {number:,}")
    say(describe_export(counts["verdicts"], counts["parked_kept"]))
