"""A login: who a user is and how they logged in, as a signed token that survives a reload and a restart."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from srt_core.people.accounts import People
from srt_core.people.names import Person, Role, clean_name, read_role
from srt_core.people.settings import default_role

LIFE_SECONDS = 7 * 24 * 3600


class LoginMethod(StrEnum):
    """How a user logged in, in order of precedence."""

    PROXY = "proxy"
    OPENID = "openid"
    PASSWORD = "password"
    LOCAL = "local"
    """Without a login, on one person's own machine."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user who is logged in. `mark` binds the login to the password it was made with; `until` is its end (epoch)."""

    way: LoginMethod
    name: str = ""
    mark: str = ""
    until: float = 0.0


def password_login(people: People, name: str, now: float) -> Login:
    """Return the login of a person in the file, whose password has been checked."""
    account = people.get(name)
    return Login(LoginMethod.PASSWORD, account.name, _mark(account.password or ""), now + LIFE_SECONDS)


def person_of(login: Login, people: People, now: float) -> Person | None:
    """Return the person of a login; None once it has expired, the person was removed, or the password changed.

    The role is that in the file. A person whom a proxy or provider has logged in and the file does not list has
    SRT_DEFAULT_ROLE; on one person's own machine everybody is an owner.
    """
    if login.way is LoginMethod.LOCAL:
        return Person(clean_name(login.name), Role.OWNER)
    account = people.find(login.name)
    if login.way is LoginMethod.PASSWORD:
        stands = account and account.password and hmac.compare_digest(_mark(account.password), login.mark)
        return Person(account.name, account.role) if account and stands and now < login.until else None
    return Person(account.name, account.role) if account else Person(clean_name(login.name), read_role(default_role()))


def write_token(login: Login, secret: str) -> str:
    """Return a login as signed text, which cannot be forged without the secret."""
    body = base64.urlsafe_b64encode(json.dumps(asdict(login)).encode()).decode()
    return f"{body}.{_sign(body, secret)}"


def read_token(token: str, secret: str) -> Login | None:
    """Return the login in a token of `write_token`; None for anything else."""
    body, _, signature = token.partition(".")
    if not secret or not hmac.compare_digest(_sign(body, secret).encode(), signature.encode("utf-8", "replace")):
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(body))
        return Login(LoginMethod(found["way"]), found["name"], found["mark"], float(found["until"]))
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def _sign(body: str, secret: str) -> str:
    return hmac.new(secret.encode(), body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _mark(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:16]
