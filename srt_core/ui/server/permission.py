"""What the person at the screen may name, and what of the server they are told.

It is asked where a value is typed, so that nothing is read or asked for a preview, and again where a step is started:
what a job is resumed with comes from the project file.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streamlit import config

from srt_core.errors import AccessError, PeopleError, RoleError
from srt_core.people import LoginMethod, load, people_path
from srt_core.people.allowed import Allowed, without_environment
from srt_core.steps.importing import find_all
from srt_core.steps.step import Argument, Arguments, Reach, Step
from srt_core.ui.server.identity import is_owner, require_owner, visitor


def allowed() -> Allowed:
    """Return what may be named: where nobody has to log in, all but the files of people and secrets."""
    is_local = visitor().login.way is LoginMethod.LOCAL
    secrets = [Path(each) for each in config.get_option("secrets.files")]
    return Allowed(None if is_local else load(people_path()).allowed, secrets)


def require_allowed(step: Step, given: Arguments) -> None:
    """Raise AccessError if a step is given a file, student, variable or host that may not be named here.

    DatasetError if there are no such files to import. What files that are named say counts as well.
    """
    _require_all(step, given)
    for also in step.named(step.complete(given)):
        _require_all(step, also)


def _require_all(step: Step, given: Arguments) -> None:
    asked = step.complete(given)
    for argument in step.arguments:
        value = asked[argument.name]
        if argument.reach is Reach.SOURCE:
            _require_sources(asked, argument.name)
        elif not argument.is_choice(value):
            _require(argument.reach, value)


def may_name(argument: Argument, value: Any) -> bool:
    """Whether the person may give an argument this value; only an owner gives one that reaches out of the project."""
    if argument.reach is None or not value or argument.is_choice(value):
        return True
    try:
        require_named(argument, value)
    except (AccessError, RoleError):
        return False
    return True


def require_named(argument: Argument, value: Any) -> None:
    """Raise AccessError, or RoleError for a curator, unless a value that reaches out of the project may be named."""
    require_owner()
    _require(argument.reach, value)


def told(text: str) -> str:
    """Return a text as this person is told it: without paths and variables of the server where they do not own it."""
    try:
        return text if is_owner() else without_environment(text)
    except PeopleError:
        return without_environment(text)


def _require(reach: Reach | None, value: Any) -> None:
    here = allowed()
    checks: Mapping[Reach, Callable[[str], None]] = {
        Reach.SOURCE: here.require_source, Reach.FILE: here.require_file, Reach.STUDENT: here.require_student,
        Reach.KEY: here.require_key, Reach.HOST: here.require_host,
    }  # fmt: skip
    if reach and value:
        checks[reach](str(value))


def _require_sources(asked: Arguments, name: str) -> None:
    """Ask for each path as it is written, then for each file on the server that it means."""
    for written in asked[name] or ():
        _require(Reach.SOURCE, written)
    here = [written for written in asked[name] or () if not written.startswith("hf://")]
    allowed().require_found(source.name for source in find_all({**asked, name: here}))
