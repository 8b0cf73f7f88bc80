"""`srt retract`: samples that must not be used any more, what holds or has read them, and taking that back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.errors import DecisionError
from srt_core.project.candidates import find_sample
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.review.filter.address import read_written
from srt_core.review.filter.filter import Filter, membership
from srt_core.review.filter.views import find_view
from srt_core.review.retracting import count_of, retract, retractions, take_back
from srt_core.train.withdrawn import Affected, affected, parts_of_export

_STAYS = (
    "Later exports leave them out, and a file that brings them again brings them retracted. Nothing is erased: files "
    "that were written still hold them, and students that read them have read them (srt unlearn)."
)


def retract_(
    project: ProjectPath,
    sample: Annotated[
        list[str] | None, typer.Argument(help="Ids or numbers of samples; none with --filter or --view.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="Samples of this filter: name=value&name=value, or an address of Explore."),
    ] = None,
    view: Annotated[str | None, typer.Option(help="Samples of this saved view.")] = None,
    reason: Annotated[str, typer.Option(help="Why: it stands in the history and beside each sample.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the samples, and retract nothing.")] = False,
    files: Annotated[
        Path | None,
        typer.Option(
            help="A folder for the pairs of each affected export: export-N/keep.jsonl and export-N/forget.jsonl."
        ),
    ] = None,
    undo: Annotated[int | None, typer.Option(help="Take the retraction of this number back.")] = None,
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Retract samples: no later export holds them. Without any, list what is retracted, and what still holds it."""
    author = by or user_name()
    with open_project(project) as store:
        if undo is not None:
            back = take_back(store, undo, author)
            say(f"Retraction {undo} taken back: {counted(back, 'sample')} as decided before.")
            return
        action: int | None = None
        if sample or filters or view:
            only = read_written(filters or (), find_view(store, view) if view else None)
            where, values = _chosen(store, sample or (), only)
            if dry_run:
                samples = counted(count_of(store, where, values), "sample")
                say(f"{samples} would be retracted, with all that hold their pairs.")
                return
            done = retract(store, where, values, reason, author)
            action = done.action_id
            if not as_json:
                say(f"{counted(done.samples, 'sample')} retracted by {author}: {reason.strip()} (retraction {action})")
                for line in done.lines():
                    say(f"  {line}")
        found = affected(store, action)
        if files is not None:
            _write(store, found, files)
        _tell(store, found, action, as_json=as_json)


def _chosen(store: Store, samples: list[str] | tuple[()], only: Filter) -> tuple[str, dict[str, object]]:
    """Return the condition of the samples that are named, or of a filter."""
    if not samples:
        return membership(store, only)
    if only != Filter():
        raise DecisionError("Samples and a filter were given.", "Give the one or the other.")
    return "list_contains($names::VARCHAR[], sample_id)", {"names": [find_sample(store, name) for name in samples]}


def _write(store: Store, found: Affected, folder: Path) -> None:
    for each in found.exports:
        parts = parts_of_export(store, each.export_id)
        place = folder / f"export-{each.export_id}"
        parts.write(place)
        say(f"{place}: {len(parts.forget):,} to forget, {len(parts.keep):,} to keep.")
        if parts.without:
            say(f"  {counted(len(parts.without), 'pair')} in neither: the template carries no context.")


def _tell(store: Store, found: Affected, action: int | None, *, as_json: bool) -> None:
    standing = retractions(store)
    if as_json:
        told = {"retractions": [asdict(each) for each in standing], **asdict(found)}
        say(json.dumps(told, default=str))
        return
    if action is None:
        for each in standing:
            when, samples = f"{each.made_at:%Y-%m-%d %H:%M} UTC", counted(each.samples, "sample")
            say(f"{each.action_id}  {when}  {samples} by {each.author}: {each.reason}")
        if not standing:
            say("Nothing is retracted.")
            return
    for line in found.lines():
        say(line)
    if action is not None:
        say(_STAYS)
