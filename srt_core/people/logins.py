"""A login: who a user is and how they logged in, as a signed token that survives a reload and a restart."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer

from srt_core.people.accounts import Account, People
from srt_core.people.names import NOBODY, Person, Role, clean_name, read_role
from srt_core.people.settings import default_role

LIFE_SECONDS = 7 * 24 * 3600


class LoginMethod(StrEnum):
    """How a user logged in, in order of precedence."""

    PROXY = "proxy"
    OPENID = "openid"
    PASSWORD = "password"
    LOCAL = "local"
    """By the token of the app's address, on one person's own machine, where nobody has to log in."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user who is logged in.

    `mark` binds the login to the password or the secret it was made with, `until` is its end (epoch), and by `session`
    it can be ended before; "" where a proxy decides that with every request.
    """

    way: LoginMethod
    name: str = ""
    mark: str = ""
    until: float = 0.0
    session: str = ""


def password_login(people: People, name: str, now: float) -> Login:
    """Return the login of a person in the file, whose password has been checked."""
    account = people.get(name)
    mark = _mark(account.password or "")
    return Login(LoginMethod.PASSWORD, account.name, mark, now + LIFE_SECONDS, secrets.token_hex(16))


def local_login(people: People, now: float) -> Login:
    """Return the login of whoever had the token of the app's address."""
    return Login(LoginMethod.LOCAL, mark=_mark(people.secret), until=now + LIFE_SECONDS)


def person_of(login: Login, people: People, now: float, ended: Collection[str] = ()) -> Person | None:
    """Return the person of a login; None where it names nobody, and once it does not stand any more.

    It ends with its time, with a log-out (`ended`: the sessions that were), with the person's account or password. An
    account is for one way to log in: no provider or proxy can name somebody into an account with a password. The role
    is that in the file. A person whom a proxy or provider has logged in and the file does not list has
    SRT_DEFAULT_ROLE; on one person's own machine everybody is an owner, as long as the file's secret is the same.
    """
    if login.way is LoginMethod.LOCAL:
        is_same = hmac.compare_digest(_mark(people.secret), login.mark)
        return Person(NOBODY, Role.OWNER) if is_same and now < login.until else None
    if login.session in ended:
        return None
    account = people.find(login.name)
    if login.way is LoginMethod.PASSWORD:
        stands = account and account.password and hmac.compare_digest(_mark(account.password), login.mark)
        return Person(account.name, account.role) if account and stands and now < login.until else None
    if clean_name(login.name) != login.name or login.name == NOBODY:  # it could be taken for somebody else's
        return None
    if account is None:
        return Person(login.name, read_role(default_role()))
    return Person(account.name, account.role) if _is_by(account, login.way) else None


def write_token(login: Login, secret: str) -> str:
    """Return a login as signed text, which cannot be forged without the secret."""
    return _signer(secret).dumps(asdict(login)) if secret else ""


def read_token(token: str, secret: str) -> Login | None:
    """Return the login in a token of `write_token`; None for anything else."""
    if not secret:
        return None
    try:
        found = _signer(secret).loads(token)
        login = Login(**{**found, "way": LoginMethod(found["way"])})
    except (BadSignature, ValueError, KeyError, TypeError):
        return None
    return login if write_token(login, secret) == token else None


def write_device(login: Login, secret: str) -> str:
    """Return signed text by which a browser is known again: somebody has logged in there with this password."""
    return _device_signer(secret).dumps([login.name, login.mark, login.session])


def read_device(token: str, account: Account | None, secret: str) -> str:
    """Return the name of the browser that `write_device` marked for this account; "" for any other."""
    if not secret or account is None:
        return ""
    try:
        name, mark, session = _device_signer(secret).loads(token)
    except (BadSignature, ValueError, TypeError):
        return ""
    return str(session) if (name, mark) == (account.name, _mark(account.password or "")) else ""


def _is_by(account: Account, way: LoginMethod) -> bool:
    return account.password is None and account.login in ("", way)


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="srt login", signer_kwargs={"digest_method": hashlib.sha256})


def _device_signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="srt device", signer_kwargs={"digest_method": hashlib.sha256})


def _mark(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:16]
