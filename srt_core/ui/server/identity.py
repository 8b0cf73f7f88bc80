"""Who is at the screen and what they may do: the one place where pages ask.

The login is read once a session: the gate, which sees every message of one, ends it when its login does not stand any
more. Whom it stands for is found out once a run, so that another role holds from the next click on.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit import runtime
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from srt_core.errors import PeopleError, RoleError
from srt_core.people import Login, LoginMethod, Person, Role, clean_name, ended_logins, load, people_path, person_of
from srt_core.people.login_methods import NOBODY_CAN, LoginMethods
from srt_core.ui.server.gate import HEADER, read_ways, unseal

_HELD = "login|held"
_READ_ONLY = "project|read only"
LOG_IN = "You are not logged in, or no longer. Load this page again to log in."


@dataclass(frozen=True)
class Visitor:
    """Who is at the screen: the login, and the person that it stands for."""

    login: Login
    person: Person


# Streamlit makes one coordinator at the start of each run, of a page with its callbacks or of a fragment with its own.
_OF_RUN: WeakKeyDictionary[Any, tuple[Login, Person | None]] = WeakKeyDictionary()


def visitor() -> Visitor:
    """Return who is at the screen; PeopleError if nobody is logged in where somebody has to be."""
    login, person = _identify_once()
    return Visitor(login, person or _at_own_machine(str(st.session_state.get("curator") or "")))


@lru_cache(maxsize=64)
def _at_own_machine(name: str) -> Person:
    """Return an owner, where nobody has to log in, by the name in the sidebar's box."""
    return Person(clean_name(name), Role.OWNER)


def may_own() -> bool:
    """Whether the person may do what only owners do, and the project on screen may be written."""
    return is_owner() and not st.session_state.get(_READ_ONLY)


def is_owner() -> bool:
    """Whether the person is an owner."""
    return visitor().person.is_owner


def note_project(*, is_read_only: bool) -> None:
    """Note at the beginning of a page whether its project may only be read."""
    st.session_state[_READ_ONLY] = is_read_only


def require_owner() -> None:
    """Raise a RoleError unless the person is an owner. Every callback that only an owner may run begins with it."""
    if not is_owner():
        raise RoleError("Only an owner may do that.", f"You are a curator here. {who_owns()}")


def require_undo(author: str) -> None:
    """Raise a RoleError unless the person may undo what `author` did."""
    if not visitor().person.may_undo(author):
        raise RoleError(f"Only an owner may undo what {author} did.", who_owns())


def who_owns() -> str:
    """Say whom to ask, as a plain text: names are data."""
    owners = [account.name for account in load(people_path()).accounts if account.role is Role.OWNER]
    return f"Ask an owner: {', '.join(owners[:5])}." if owners else "Ask an owner."


def _identify_once() -> tuple[Login, Person | None]:
    """Return the login, and the person it stands for (None where nobody has to log in), found out once a run."""
    context = get_script_run_ctx(suppress_warning=True)
    run = context.parallel_coordinator if context else None
    if run is None:
        return _identify()
    if run not in _OF_RUN:
        _OF_RUN[run] = _identify()
    return _OF_RUN[run]


def _identify() -> tuple[Login, Person | None]:
    login = _login()
    if login.way is LoginMethod.LOCAL:
        return login, None
    person = person_of(login, load(people_path()), time.time(), ended_logins())
    if person is None:
        raise PeopleError("You are not logged in any more.", LOG_IN)
    return login, person


def _login() -> Login:
    """Return the login of this session; PeopleError if there is none."""
    sealed = st.context.headers.get(HEADER)
    held: tuple[str | None, Login] | None = st.session_state.get(_HELD)
    if held is None or (sealed and held[0] != sealed):  # a browser that is away for a moment sends nothing
        held = st.session_state[_HELD] = sealed, _read_login(sealed)
    return held[1]


def _read_login(sealed: str | None) -> Login:
    """Return the login that the gate sealed.

    Without a gate, as under `streamlit run pages/…`, no browser is let in: nothing has looked at its token or origin.
    """
    login = unseal(sealed) if sealed else None
    ways = read_ways()
    if login is None and ways.is_open and not _is_served():
        login = Login(LoginMethod.LOCAL)
    if login is None or (login.way is LoginMethod.LOCAL and not ways.is_open):
        raise PeopleError("You are not logged in.", _way_in(ways))
    return login


def _is_served() -> bool:
    """Whether a server runs the page: Streamlit's test runner has a stand-in for one, and no browser."""
    return runtime.exists() and type(runtime.get_instance()) is Runtime


def _way_in(ways: LoginMethods) -> str:
    if ways.is_open:
        return "This page was started by itself. Start the app: srt app, or streamlit run app.py"
    return LOG_IN if ways.has_any else NOBODY_CAN
