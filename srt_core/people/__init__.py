"""Who works on a server: names and roles, the file of people, and logins.

    names           a person: a name and a role
    accounts        people.toml beside the projects: who may log in, with role and password hash
    managing        adding, changing and removing people
    passwords       hashing and checking
    login_methods   how a server is bound, and by which methods one can log in to it
    logins          a login as a signed token, which survives a reload and a restart
    allowed         which folders, keys, hosts and hub names may be named at the screens
    access          the token of an app in which nobody has to log in
    logouts         logins that were ended
    login_throttle  limits and delays against guessing
    settings        what the environment sets

Nothing here knows of the screens: `ui.server` asks these values who may come in.
"""

from srt_core.people.access import access_token, app_address, is_access_token, keep_secret, opening_page
from srt_core.people.accounts import Account, People, load, people_path, save
from srt_core.people.login_throttle import LoginThrottle
from srt_core.people.logins import (
    Login,
    LoginMethod,
    local_login,
    password_login,
    person_of,
    read_device,
    read_token,
    write_device,
    write_token,
)
from srt_core.people.logouts import end_login, ended_logins
from srt_core.people.managing import LoginBy, add_person, change_person, remove_person, typed_twice
from srt_core.people.names import Person, Role, clean_name, read_role
from srt_core.people.passwords import check_password, hash_password, make_password

__all__ = [
    "Account",
    "LoginBy",
    "LoginThrottle",
    "Login",
    "People",
    "Person",
    "Role",
    "LoginMethod",
    "access_token",
    "add_person",
    "app_address",
    "change_person",
    "check_password",
    "clean_name",
    "end_login",
    "ended_logins",
    "hash_password",
    "is_access_token",
    "keep_secret",
    "load",
    "local_login",
    "make_password",
    "opening_page",
    "password_login",
    "people_path",
    "person_of",
    "read_device",
    "read_role",
    "read_token",
    "remove_person",
    "save",
    "typed_twice",
    "write_device",
    "write_token",
]
