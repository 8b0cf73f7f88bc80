"""`srt decide`."""

from typing import Annotated

import typer

from srt_core.commands.common import ProjectPath, open_project, user_name
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.project.candidates import find_sample
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.select.derive import refresh

_WITHOUT_VERSION = {"leave-out": Action.REJECT, "park": Action.PARK}
_SAID = {
    Action.APPROVE: "keep", Action.CHOOSE: "keep", Action.EDIT: "keep an edit of",
    Action.REJECT: "leave out", Action.PARK: "park",
}  # fmt: skip


def decide(
    project: ProjectPath,
    sample: Annotated[str, typer.Argument(help="The sample's id or number.", show_default=False)],
    action: Annotated[str, typer.Argument(help="keep, leave-out, park or undo.", show_default=False)],
    origin: Annotated[
        str | None, typer.Argument(help="With keep: ORIGINAL, RESPONSE, INSTRUCTION or BOTH.", show_default=False)
    ] = None,
    by: Annotated[str | None, typer.Option(help="Your name; the system's user name where not given.")] = None,
) -> None:
    """Decide one sample. Keep takes the version that the rule would take, or the one that is named."""
    author = by or user_name()
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
