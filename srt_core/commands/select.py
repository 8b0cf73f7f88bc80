"""`srt select`."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.status import describe_export, status
from srt_core.select import selection
from srt_core.select.applied import changed_values, last_applied, undo_applied
from srt_core.select.policy import applied_policy, change, find_policy, settings_of


def select(
    project: ProjectPath,
    preset: Annotated[str | None, typer.Option(help="A policy by name; the applied one where not given.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change an option: max_ifd=1.0, max_r_ifd=none, …")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put back the policy that stood before the last one that was applied.")
    ] = False,
) -> None:
    """Apply a policy, or undo the last that was applied, and count what is kept. Reviewers' decisions stay."""
    if undo and (preset or set):
        raise SRTError("--undo takes no policy.", "Undo first, then apply another.")
    with open_project(project) as store:
        policy = _undo(store) if undo else _apply(store, preset, set or [])
        counts = status(store)
    found = counts["selected"]
    say(f"Policy {policy.name}: {found['total']:,} samples kept.")
    for title, numbers in (("origin", found["by_origin"]), ("reason", found["by_reason"])):
        for name, number in numbers.items():
            say(f"  {title} {name}: {number:,}")
    say(describe_export(counts["verdicts"], counts["parked_kept"]))


def _apply(store: Store, preset: str | None, settings: list[str]) -> Policy:
    policy = change(find_policy(store, preset) if preset else applied_policy(store), settings)
    selection.apply(store, policy, user_name())
    return policy


def _undo(store: Store) -> Policy:
    last = last_applied(store)
    policy = undo_applied(store, last.event_id if last else 0, user_name())
    if last:
        say(f"Undone: {last.name}, which {last.author} applied.")
        for line in changed_values(last.context, settings_of(policy)):
            say(f"  {line}")
    return policy
