"""The file of people beside the projects: `people.toml`, readable by its owner only, and always replaced as a whole."""

import json
import os
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from srt_core.errors import PeopleError
from srt_core.people.allowed import Kind, Listed, change_listed, read_listed
from srt_core.people.names import NOBODY, Role, clean_name, read_role
from srt_core.people.settings import projects_folder

_HEAD = "# Who may log in, their roles, and what they may name at the screens. Change it with: srt people\n"


@dataclass(frozen=True, slots=True)
class Account:
    """A person in the file; without a password they can only log in by a proxy or an OpenID Connect provider."""

    name: str
    role: Role
    password: str | None
    """Its hash, as made by passwords.hash_password."""
    login: str = ""
    """Who alone may name them where there is no password: proxy or openid; "" is either, as in older files."""


@dataclass(frozen=True, slots=True)
class People:
    """The file: the secret that logins are signed with, the accounts, and what those who log in may name."""

    secret: str = ""
    accounts: tuple[Account, ...] = ()
    allowed: Listed = field(default_factory=dict)

    def find(self, name: str) -> Account | None:
        """Return the account of a name, in upper or lower case; None where there is none."""
        wanted = clean_name(name).casefold()
        return next((account for account in self.accounts if account.name.casefold() == wanted), None)

    def get(self, name: str) -> Account:
        """Return the account of a name; PeopleError, which lists the names, where there is none."""
        account = self.find(name)
        if account is None:
            known = ", ".join(account.name for account in self.accounts) or "nobody"
            raise PeopleError(f"Nobody has the name {clean_name(name)}.", f"The file of people has: {known}.")
        return account

    def add(self, name: str, role: Role, password: str | None, login: str = "") -> "People":
        """Return the file with a person added (`password` hashed, or None). PeopleError if the name cannot be used."""
        cleaned = clean_name(name)
        if cleaned != " ".join(name.split()) or cleaned == NOBODY:
            raise PeopleError(f"{cleaned} cannot be a person's name.", "Give another of at most 80 plain characters.")
        if self.find(cleaned):
            raise PeopleError(f"There is a {cleaned} already.", f"Use another name, or: srt people passwd {cleaned}")
        account = Account(cleaned, role, password, login)
        return replace(self, secret=self.secret or secrets.token_hex(32), accounts=(*self.accounts, account))

    def remove(self, name: str) -> "People":
        """Return the file without a person; PeopleError if there is none of that name."""
        gone = self.get(name)
        return replace(self, accounts=tuple(account for account in self.accounts if account is not gone))

    def change(self, name: str, *, role: Role | None = None, password: str | None = None) -> "People":
        """Return the file with another role or (hashed) password of a person; PeopleError if there is no such name."""
        old = self.get(name)
        new = replace(old, role=role or old.role, password=password or old.password)
        return replace(self, accounts=tuple(new if account is old else account for account in self.accounts))

    def allow(self, kind: Kind, value: str) -> "People":
        """Return the file with one more thing that may be named at the screens."""
        return replace(self, allowed=change_listed(self.allowed, kind, [*self.allowed.get(kind, ()), value]))

    def forbid(self, kind: Kind, value: str) -> "People":
        """Return the file without one of the things that may be named; PeopleError where it is not among them."""
        listed = self.allowed.get(kind, ())
        if value not in listed:
            raise PeopleError(f"{value} is not allowed.", f"Allowed is: {', '.join(listed) or 'nothing of the kind'}.")
        return replace(self, allowed=change_listed(self.allowed, kind, [each for each in listed if each != value]))


def people_path() -> Path:
    """Return the path of the file of people, beside the projects."""
    return projects_folder() / "people.toml"


_PARSED: dict[Path, tuple[tuple[int, int, int], People]] = {}


def load(path: Path) -> People:
    """Return the file of people, empty where there is none. PeopleError if it cannot be read.

    It is asked for with every request, so it is parsed again only when its time, size or inode has changed.
    """
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if _PARSED.get(path, (None,))[0] != stamp:
            _PARSED[path] = (stamp, _parse(path, tomllib.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        return People()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PeopleError(f"{path} cannot be read: {error}", "Repair the file of people, or move it away.") from error
    return _PARSED[path][1]


def save(path: Path, people: People) -> None:
    """Write the file of people in one step, readable by its owner only."""
    entries = "".join(
        f"\n[[person]]\nname = {_quoted(account.name)}\nrole = {_quoted(account.role)}\n"
        + (f"password = {_quoted(account.password)}\n" if account.password else "")
        + (f"login = {_quoted(account.login)}\n" if account.login else "")
        for account in people.accounts
    )
    listed = "".join(f"{kind} = [{', '.join(map(_quoted, values))}]\n" for kind, values in people.allowed.items())
    table = f"\n[allow]\n{listed}" if listed else ""
    write_private(path, f"{_HEAD}secret = {_quoted(people.secret)}\n{table}{entries}")


def write_private(path: Path, text: str) -> None:
    """Write a file in one step, readable by its owner only; PeopleError where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError as error:
        raise PeopleError(
            f"{path} cannot be written: {error.strerror}.",
            "Start where a folder `projects` may be written to, or name one in SRT_PROJECTS_DIR.",
        ) from error


def _parse(path: Path, found: Mapping[str, object]) -> People:
    try:
        listed = found.get("person", [])
        accounts = [_account(entry) for entry in listed]  # type: ignore[attr-defined]
        secret = str(found.get("secret", ""))
        allowed = read_listed(found.get("allow", {}))
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise PeopleError(f"{path} is no file of people.", "Repair it, or move it away.") from error
    if accounts and len(secret) < 32:
        raise PeopleError(f"{path} has no secret to sign logins with.", "Move it away and add the people again.")
    return People(secret, tuple(accounts), allowed)


def _account(entry: Mapping[str, object]) -> Account:
    password = entry.get("password")
    return Account(
        clean_name(str(entry["name"])), read_role(str(entry["role"])), str(password) if password else None,
        str(entry.get("login", "")),
    )  # fmt: skip


def _quoted(text: str | None) -> str:
    return json.dumps(text, ensure_ascii=False)  # a basic string of TOML: names have no control characters
