"""The login page: a plain form, before any session of Streamlit exists."""

import html
import logging
import math
import time

import anyio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from srt_core.people import (
    Login,
    LoginMethod,
    LoginThrottle,
    check_password,
    clean_name,
    end_login,
    password_login,
    read_device,
    write_device,
    write_token,
)
from srt_core.people.login_methods import LoginMethods
from srt_core.people.logins import LIFE_SECONDS
from srt_core.records import counted
from srt_core.ui.server import openid
from srt_core.ui.server.plain import DEVICE, LOGIN, cookie_name, inside, keep_cookie, plain_page, read_form

DEVICE_LIFE_SECONDS = 365 * 24 * 3600
_THROTTLE = LoginThrottle()
_CHECKS = anyio.CapacityLimiter(1)  # a password takes 64 MiB and 0.1 s to check
MOST_WAITING = 4
"""How many tries may wait for theirs: who is let in waits a few seconds at most."""
_LOG = logging.getLogger("srt.login")

_FORM = """<form method="post" action="{action}"><input type="hidden" name="next" value="{next}">
<label for="name">Name</label><input id="name" name="name" value="{name}" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Log in</button></form>"""


_LOGOUT_FORM = """<p>This ends your login in every tab of this browser.</p>
<form method="post" action="{action}"><button type="submit">Log out</button></form>
<p><a href="{back}">Stay</a></p>"""


async def answer_login(request: Request, ways: LoginMethods, base: str) -> Response:
    """Answer the login page's requests: show the form, or check a name and a password and set the cookies."""
    following = inside(request.query_params.get("next", ""), base)
    if request.method != "POST":
        return _page(ways, base, following, _unnamed(request))
    given = await read_form(request)
    name, following = clean_name(given.get("name", "")), inside(given.get("next", ""), base)
    if _CHECKS.statistics().tasks_waiting >= MOST_WAITING:
        return _page(ways, base, following, "Too many people log in at this moment. Try again.", name, 503)
    account, secret = ways.people.find(name), ways.people.secret
    device = read_device(request.cookies.get(cookie_name(DEVICE, request), ""), account, secret)
    address = request.client.host if request.client else ""
    tries = _THROTTLE.count(name, address, device)
    if tries.refused:
        minutes = math.ceil(tries.refused / 60)
        said = f"Too many failed tries. Wait {counted(minutes, 'minute')}."
        return _page(ways, base, following, said, name, 429)
    kept = account.password if account else None
    async with _CHECKS:
        await anyio.sleep(tries.delay)
        fits = await anyio.to_thread.run_sync(check_password, given.get("password", ""), kept)
    if not fits:
        _LOG.warning("Login failed for %r from %s", name, address or "unknown")
        return _page(ways, base, following, "Name or password is not right.", name, 401)
    _THROTTLE.forgive(name, device)
    answer = RedirectResponse(following, 303)
    login = password_login(ways.people, name, time.time())
    keep_cookie(answer, request, LOGIN, write_token(login, secret), LIFE_SECONDS, base)
    keep_cookie(answer, request, DEVICE, write_device(login, secret), DEVICE_LIFE_SECONDS, base)
    return answer


def answer_logout(request: Request, login: Login | None, base: str) -> Response:
    """Ask whether to log out; where that was sent as a form, end the login wherever it is used."""
    if login is None or not login.session:  # a proxy's, or on one person's own machine: nothing here can end it
        return RedirectResponse(f"{base}/login", 303)
    if request.method != "POST":
        return plain_page("Log out", _LOGOUT_FORM.format(action=f"{base}/logout", back=f"{base}/"))
    end_login(login.session)
    answer = RedirectResponse(f"{base}{openid.LOGOUT if login.way is LoginMethod.OPENID else '/login'}", 303)
    answer.delete_cookie(cookie_name(LOGIN, request), path=base or "/")
    return answer


def _unnamed(request: Request) -> str:
    """Say why somebody whom a provider logged in is not let in; "" where none did."""
    claims = openid.read_claims(request.cookies)
    if claims is None:
        return ""
    if not claims.name:
        return "The provider has logged you in, but has verified no e-mail address of yours, so you have no name here."
    return f"The provider names you {claims.name}. An account of that name logs in another way, or has just logged out."


def _page(ways: LoginMethods, base: str, following: str, said: str = "", name: str = "", status: int = 200) -> Response:
    has_passwords = any(account.password for account in ways.people.accounts)
    form = _FORM.format(action=f"{base}/login", next=html.escape(following), name=html.escape(name))
    parts = (
        f'<p class="said" role="alert">{html.escape(said)}</p>' if said else "",
        form if has_passwords else "",
        _others(ways, base),
        f"<small>{_about(ways, has_passwords)}</small>",
    )
    return plain_page("Log in", "".join(parts), status)


def _others(ways: LoginMethods, base: str) -> str:
    if not ways.has_openid:
        return ""
    links = [(label, openid.login_address(name)) for name, label in openid.providers().items()]
    if not any(address for _, address in links):
        return '<p class="said">OpenID Connect is configured. Install its packages: pip install "srt-curator[auth]"</p>'
    return "".join(
        f'<a class="button" href="{html.escape(base + address)}">Log in with {html.escape(label)}</a>'
        for label, address in links
    )


def _about(ways: LoginMethods, has_passwords: bool) -> str:
    if has_passwords:
        return "An owner of this server gives you a name and a password: srt people add."
    return "Open this page through the proxy that logs you in." if ways.header and not ways.has_openid else ""
