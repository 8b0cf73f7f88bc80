"""Adding, changing and removing people, one way for the command line and for the page: one change at a time."""

import threading
from enum import StrEnum
from pathlib import Path

from srt_core.errors import PeopleError
from srt_core.people.accounts import Account, load, save
from srt_core.people.names import Role
from srt_core.people.passwords import hash_password

_CHANGING = threading.Lock()
"""Held while the file is read, changed and written: two sessions of one server lose nothing of each other."""


class LoginBy(StrEnum):
    """What alone logs a person in."""

    PASSWORD = "password"
    PROXY = "proxy"
    OPENID = "openid"


def add_person(path: Path, name: str, role: Role, by: LoginBy, password: str = "") -> Account:
    """Add a person to the file of people, with a password where they log in by one, and return them.

    PeopleError if the name or the password cannot be used.
    """
    with _CHANGING:
        load(path).add(name, role, None)  # says what is wrong with the name before it hashes
        is_own = by is LoginBy.PASSWORD
        hashed = hash_password(password) if is_own else None
        save(path, load(path).add(name, role, hashed, "" if is_own else by.value))
        return load(path).get(name)


def remove_person(path: Path, name: str) -> Account:
    """Remove a person, whose logins end with that, and return who it was; PeopleError where there is none."""
    with _CHANGING:
        account = load(path).get(name)
        save(path, load(path).remove(name))
        return account


def change_person(path: Path, name: str, *, role: Role | None = None, password: str | None = None) -> Account:
    """Give a person another role or password, and return them. PeopleError where there is none of that name."""
    with _CHANGING:
        hashed = None if password is None else hash_password(password)
        save(path, load(path).change(name, role=role, password=hashed))
        return load(path).get(name)


def typed_twice(first: str, again: str) -> str:
    """Return a password that was typed twice; PeopleError where the two differ."""
    if first != again:
        raise PeopleError("The two passwords are not the same.", "Type both again.")
    return first
