"""`srt decide`: one sample, or a file of edits."""

from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import DONE_WITH_FAILURES, ProjectPath, open_project, tell_failures, user_name
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.project.candidates import find_sample
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.edits import edit_from_file
from srt_core.select.derive import refresh

_WITHOUT_VERSION = {"leave-out": Action.REJECT, "park": Action.PARK}
_SAID = {
    Action.APPROVE: "keep", Action.CHOOSE: "keep", Action.EDIT: "keep an edit of",
    Action.REJECT: "leave out", Action.PARK: "park", Action.RETRACT: "retracted",
}  # fmt: skip


def decide(
    project: ProjectPath,
    sample: Annotated[str, typer.Argument(help="The sample's id or number; or edit, with --file.", show_default=False)],
    action: Annotated[str | None, typer.Argument(help="keep, leave-out, park or undo.", show_default=False)] = None,
    origin: Annotated[
        str | None, typer.Argument(help="With keep: ORIGINAL, RESPONSE, INSTRUCTION or BOTH.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="With edit: a file whose rows have sample_id and any of instruction, input, response; version says "
            "which one is edited, the one that stands where it is not given."
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:
    """Decide one sample, or edit those of a file. Keep takes the rule's pick, or the version that is named."""
    author = by or user_name()
    if sample == "edit" or file is not None or action is None:
        _edit(project, [sample, action, origin], file, author)
        return
    with open_project(project) as store:
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
    said = f"{_SAID[now.action]} {now.origin or ''}".rstrip() if now else "open"
    say(f"{name}: {said} by {author}.")


def _edit(project: Path, asked: list[str | None], file: Path | None, author: str) -> None:
    if asked != ["edit", None, None] or file is None:
        raise SRTError("That is no decision.", "Write: SAMPLE ACTION, or: edit --file FILE.")
    with open_project(project) as store:
        refresh(store)
        made = edit_from_file(store, file, author)
    over = f", {made.replaced:,} of them over a decision that stood" if made.replaced else ""
    say(f"{made.edited:,} edited by {author}{over}; {len(made.refused):,} refused.")
    tell_failures(len(made.refused), made.refused)
    if made.refused:
        raise typer.Exit(DONE_WITH_FAILURES)


def _decision(store: Store, sample: str, action: str, origin: str | None, author: str) -> Decision:
    if action == "keep" and origin:
        if origin.upper() not in list(Origin):
            raise SRTError("Keep which version?", f"Write: keep {' | '.join(Origin)}.")
        return Decision(sample, Action.CHOOSE, author, Origin(origin.upper()))
    if origin:
        raise SRTError(f"{action} takes no version.", f"To keep that one, write: keep {origin}.")
    if action == "keep":
        winner = store.value("SELECT winner FROM selection WHERE sample_id = ?", [sample])
        return Decision(sample, Action.APPROVE, author, Origin(winner))
    if action in _WITHOUT_VERSION:
        return Decision(sample, _WITHOUT_VERSION[action], author)
    raise SRTError(f"There is no action {action}.", "Use keep, leave-out, park or undo.")
