"""What the screens say of the student behind the scores in use."""

import shlex

from srt_core.project.store import Store
from srt_core.score.scorings import scoring_in_use
from srt_core.score.student import is_here


def why_not_scored(store: Store) -> str:
    """Say why a new text has no score, and what gives it one."""
    scoring = scoring_in_use(store)
    if scoring is None or is_here(scoring.student):
        return "not scored yet; score again to see it."
    command = f"srt score {shlex.quote(str(store.path))} --student {shlex.quote(scoring.student)}"
    return (
        f"no score. {scoring.student}, the student that scored this project, is not on this machine. This command "
        f"gets it and scores with it, while the app is closed: {command}"
    )
