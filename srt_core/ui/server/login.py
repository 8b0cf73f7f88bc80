"""The login page: a plain form, before any session of Streamlit exists."""

import html
import logging
import math
import time
from urllib.parse import parse_qs

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

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
from srt_core.ui.server import openid

COOKIE = "srt_login"
DEVICE_COOKIE = "srt_device"
DEVICE_LIFE_SECONDS = 365 * 24 * 3600
MOST_BYTES = 8_192
_THROTTLE = LoginThrottle()
_CHECKS = anyio.CapacityLimiter(1)  # a password takes 64 MiB and 0.1 s to check
MOST_WAITING = 4
"""How many tries may wait for theirs: with the delays below 2 s, within which the server can end."""
_LOG = logging.getLogger("srt.login")

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · srt</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; font: 16px/1.5 "Source Sans", "Source Sans Pro", system-ui, sans-serif; }}
body {{ background: light-dark(#ffffff, #171614); color: light-dark(#31333f, #fafafa);
  display: grid; place-items: center; min-height: 90vh; margin: 0; }}
main {{ width: min(22rem, 90vw); }}
h1 {{ font-size: 1.9rem; margin: 0 0 1rem; }}
label {{ display: block; margin: 0.75rem 0 0.25rem; font-size: 0.9rem; }}
input {{ box-sizing: border-box; width: 100%; padding: 0.5rem 0.75rem; font: inherit; border-radius: 0.5rem;
  border: 1px solid light-dark(#8a8d99, #7a7f8c); background: light-dark(#f8f8f7, #2b2a26); color: inherit; }}
button, .button {{ display: block; box-sizing: border-box; width: 100%; margin-top: 1.25rem; padding: 0.5rem;
  font: inherit; text-align: center; text-decoration: none; border: 0; border-radius: 0.5rem; cursor: pointer;
  background: light-dark(#2456c8, #3f6fe0); color: #ffffff; }}
:focus-visible {{ outline: 3px solid light-dark(#7f9fe8, #9db7ff); outline-offset: 2px; }}
.said {{ border-left: 4px solid light-dark(#b3261e, #ff8a80); padding-left: 0.75rem; }}
small {{ display: block; margin-top: 1.5rem; opacity: 0.75; }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""

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
    following = _inside(request.query_params.get("next", ""), base)
    if request.method != "POST":
        return _page(ways, base, following, _unnamed(request))
    body = await _read(request)
    given = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    name, following = clean_name(given.get("name", "")), _inside(given.get("next", ""), base)
    if _CHECKS.statistics().tasks_waiting >= MOST_WAITING:
        return _page(ways, base, following, "Too many people log in at this moment. Try again.", name, 503)
    account, secret = ways.people.find(name), ways.people.secret
    device = read_device(request.cookies.get(DEVICE_COOKIE, ""), account, secret)
    address = request.client.host if request.client else ""
    counted = _THROTTLE.count(name, address, device)
    if counted.refused:
        minutes = math.ceil(counted.refused / 60)
        said = f"Too many failed tries. Wait {minutes} {'minute' if minutes == 1 else 'minutes'}."
        return _page(ways, base, following, said, name, 429)
    kept = account.password if account else None
    async with _CHECKS:
        await anyio.sleep(counted.delay)
        fits = await anyio.to_thread.run_sync(check_password, given.get("password", ""), kept)
    if not fits:
        _LOG.warning("Login failed for %r from %s", name, address or "unknown")
        return _page(ways, base, following, "Name or password is not right.", name, 401)
    _THROTTLE.forgive(name, device)
    answer = RedirectResponse(following, 303)
    login = password_login(ways.people, name, time.time())
    for cookie, value, life in (
        (COOKIE, write_token(login, secret), LIFE_SECONDS),
        (DEVICE_COOKIE, write_device(login, secret), DEVICE_LIFE_SECONDS),
    ):
        answer.set_cookie(cookie, value, max_age=life, path=base or "/", httponly=True, samesite="lax",
                          secure=request.url.scheme == "https")  # fmt: skip
    return answer


def answer_logout(request: Request, login: Login | None, base: str) -> Response:
    """Ask whether to log out; where that was sent as a form, end the login wherever it is used."""
    if login is None or not login.session:  # a proxy's, or on one person's own machine: nothing here can end it
        return RedirectResponse(f"{base}/login", 303)
    if request.method != "POST":
        return _plain_page("Log out", _LOGOUT_FORM.format(action=f"{base}/logout", back=f"{base}/"))
    end_login(login.session)
    answer = RedirectResponse(f"{base}{openid.LOGOUT if login.way is LoginMethod.OPENID else '/login'}", 303)
    answer.delete_cookie(COOKIE, path=base or "/")
    return answer


def _unnamed(request: Request) -> str:
    """Say why somebody whom a provider logged in is not let in; "" where none did."""
    claims = openid.read_claims(request.cookies)
    if claims is None:
        return ""
    if not claims.name:
        return "The provider has logged you in, but has verified no e-mail address of yours, so you have no name here."
    return f"The provider names you {claims.name}. An account of that name logs in another way, or has just logged out."


async def _read(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return b""
    return body


def _inside(address: str, base: str) -> str:
    """Return an address to go on to if it is a path of this server, else the first page."""
    is_path = address.startswith(f"{base}/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() else f"{base}/"


def _page(ways: LoginMethods, base: str, following: str, said: str = "", name: str = "", status: int = 200) -> Response:
    has_passwords = any(account.password for account in ways.people.accounts)
    form = _FORM.format(action=f"{base}/login", next=html.escape(following), name=html.escape(name))
    parts = (
        f'<p class="said" role="alert">{html.escape(said)}</p>' if said else "",
        form if has_passwords else "",
        _others(ways, base),
        f"<small>{_about(ways, has_passwords)}</small>",
    )
    return _plain_page("Log in", "".join(parts), status)


def _plain_page(title: str, body: str, status: int = 200) -> Response:
    """Return a page without scripts; `body` is markup of ours, with what came from outside escaped."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers)


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
