"""`srt people`: who may log in to this server, and what they may do. A password is never an argument."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.terminal import say
from srt_core.errors import PeopleError
from srt_core.people import (
    Account,
    LoginBy,
    Role,
    add_person,
    change_person,
    load,
    make_password,
    people_path,
    remove_person,
    save,
    typed_twice,
)
from srt_core.people.allowed import Kind

people = typer.Typer(help="List, add and remove the people who may log in.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(help="The name, or the e-mail address that a proxy or provider gives.", show_default=False)
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it once.")]

WhatKind = Annotated[Kind, typer.Argument(help="folder, key, host or hub.", show_default=False)]
Value = Annotated[
    str,
    typer.Argument(help="Such as /data/sets, OPENAI_API_KEY, api.openai.com or gpt2.", show_default=False),
]
_KINDS = {Kind.FOLDER: "folder", Kind.KEY: "variable", Kind.HOST: "host", Kind.HUB: "name on the hub"}


@people.command("list")
def list_() -> None:
    """List the people, their roles, how they log in, and what owners may name at the screens."""
    people = load(people_path())
    found = people.accounts
    if not found:
        say(f"Nobody. {people_path()} is made by: srt people add NAME --role owner")
    for account in found:
        say(f"{account.name}: {account.role}, by {_way(account)}")
    for kind, values in people.allowed.items():
        say(f"Owners may name, {_KINDS[kind]}: {', '.join(values)}")


@people.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="owner: everything. curator: look and decide.", show_default=False)],
    generate: Generate = False,
    by: Annotated[
        LoginBy, typer.Option(help="Who alone logs the person in: a password, a proxy, or an OpenID Connect provider.")
    ] = LoginBy.PASSWORD,
) -> None:
    """Add a person. The password is asked for, or read as a line from standard input."""
    path = people_path()
    load(path).add(name, role, None)  # says what is wrong with the name before a password is asked for
    password = _password(generate) if by is LoginBy.PASSWORD else ""
    added = add_person(path, name, role, by, password)
    say(f"Added {added.name}, {role}. From now on people have to log in.")


@people.command()
def passwd(name: Name, generate: Generate = False) -> None:
    """Return a person a new password. Wherever they are logged in by the old one, that ends."""
    path = people_path()
    load(path).get(name)
    changed = change_person(path, name, password=_password(generate))
    say(f"{changed.name} has a new password.")


@people.command()
def role(name: Name, role: Annotated[Role, typer.Argument(help="owner or curator.", show_default=False)]) -> None:
    """Change a person's role."""
    changed = change_person(people_path(), name, role=role)
    say(f"{changed.name} is {role}.")


@people.command()
def remove(name: Name) -> None:
    """Remove a person. Wherever they are logged in, that ends; what they did stays in the history."""
    path = people_path()
    account = remove_person(path, name)
    left = "" if load(path).accounts else " Nobody is left: on 127.0.0.1 the app asks nobody to log in."
    say(f"Removed {account.name}.{left}")


@people.command()
def allow(kind: WhatKind, value: Value) -> None:
    """Let owners who log in name a folder, a variable with a key, a teacher's host or a name on the hub.

    A folder counts with all in it. In the others * stands for any characters: datasets/tatsu-lab/*
    """
    path, written = people_path(), _as_kept(kind, value)
    if kind is Kind.FOLDER and not Path(written).is_dir():
        raise PeopleError(f"There is no folder {written}.", "Correct the path.")
    save(path, load(path).allow(kind, written))
    say(f"Owners may name the {_KINDS[kind]} {written}.")


@people.command()
def forbid(kind: WhatKind, value: Value) -> None:
    """Take back what was allowed; it holds from the next click on."""
    path, written = people_path(), _as_kept(kind, value)
    save(path, load(path).forbid(kind, written))
    say(f"Nobody may name the {_KINDS[kind]} {written} any more.")


def _as_kept(kind: Kind, value: str) -> str:
    if kind is Kind.FOLDER:
        return str(Path(value).expanduser().resolve())
    return value.casefold() if kind is Kind.HOST else value


def _way(account: Account) -> str:
    return "password" if account.password else account.login or "proxy or openid"


def _password(generate: bool) -> str:
    """Get a password; a made one is printed, once."""
    if generate:
        made = make_password()
        say(f"Password: {made}")
        return made
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return typed_twice(getpass.getpass("Password: "), getpass.getpass("Again: "))
