"""Who is at the screen and what they may do: the one place where a page or a callback asks for that."""

import time

import streamlit as st

from srt_core.errors import PeopleError, RoleError
from srt_core.people import Login, LoginMethod, Person, Role, clean_name, load, people_path, person_of
from srt_core.people.login_methods import NOBODY_CAN
from srt_core.ui.server.gate import HEADER, read_ways, unseal

LOG_IN = "You are not logged in, or no longer. Load this page again to log in."


def person() -> Person:
    """Name the person at the screen. PeopleError if nobody is logged in where somebody has to be.

    Asked anew each time, so that whoever was removed or got another role is known as that from the next click on.
    """
    login = current_login()
    if login.way is LoginMethod.LOCAL:
        return Person(local_name(), Role.OWNER)
    found = person_of(login, load(people_path()), time.time())
    if found is None:
        raise PeopleError("You are not logged in any more.", LOG_IN)
    return found


def current_login() -> Login:
    """Return the login of this session, as the gate found it; PeopleError if there is none.

    Without a gate, as under `streamlit run pages/…`, it is open to one person's own machine only.
    """
    sealed = st.context.headers.get(HEADER)
    login = unseal(sealed) if sealed else None
    ways = read_ways()
    if login is None and ways.is_open:
        login = Login(LoginMethod.LOCAL)
    if login is None or (login.way is LoginMethod.LOCAL and not ways.is_open):
        raise PeopleError("You are not logged in.", LOG_IN if ways.has_any else NOBODY_CAN)
    return login


def local_name() -> str:
    """Return what stands in the sidebar's name box, cleaned."""
    return clean_name(str(st.session_state.get("curator") or ""))


def may_own() -> bool:
    """Whether the person may do what only owners do."""
    return person().is_owner


def require_owner() -> None:
    """Raise a RoleError unless the person is an owner. Every callback that only an owner may run begins with it."""
    if not may_own():
        raise RoleError("Only an owner may do that.", f"You are a curator here. {who_owns()}")


def require_undo(author: str) -> None:
    """Raise a RoleError unless the person may undo what `author` did."""
    if not person().may_undo(author):
        raise RoleError(f"Only an owner may undo what {author} did.", who_owns())


def who_owns() -> str:
    """Say whom to ask, as a plain text: names are data."""
    owners = [account.name for account in load(people_path()).accounts if account.role is Role.OWNER]
    return f"Ask an owner: {', '.join(owners[:5])}." if owners else "Ask an owner."
