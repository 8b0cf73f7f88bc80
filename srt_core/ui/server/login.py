"""The login page: a plain form, before any session of Streamlit exists."""

import html
import logging
import time
from urllib.parse import parse_qs

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from srt_core.people import LoginThrottle, check_password, clean_name, password_login, write_token
from srt_core.people.login_methods import LoginMethods
from srt_core.people.logins import LIFE_SECONDS
from srt_core.ui.server import openid

COOKIE = "srt_login"
MOST_BYTES = 8_192
_BRAKE = LoginThrottle()
_ONE_AT_A_TIME = anyio.CapacityLimiter(1)  # a password takes 32 MiB and 0.1 s to check
_LOG = logging.getLogger("srt.login")

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in · srt</title>
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
</style></head><body><main><h1>Log in</h1>{said}{form}{others}<small>{about}</small></main></body></html>"""

_FORM = """<form method="post" action="{action}"><input type="hidden" name="next" value="{next}">
<label for="name">Name</label><input id="name" name="name" value="{name}" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Log in</button></form>"""


async def answer_login(request: Request, ways: LoginMethods, base: str) -> Response:
    """Answer the login page's requests: show the form, or check a name and a password and set the cookie."""
    following = _inside(request.query_params.get("next", ""), base)
    if request.method != "POST":
        return _page(ways, base, following)
    body = await _read(request)
    given = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    name, following = clean_name(given.get("name", "")), _inside(given.get("next", ""), base)
    if not _is_same_site(request):
        return _page(ways, base, following, "That came from another site. Log in here.", name, 403)
    wait = _BRAKE.wait(name, time.monotonic())
    if wait > 0:
        return _page(ways, base, following, f"Too many failed tries. Wait {wait:.0f} seconds.", name, 429)
    account = ways.people.find(name)
    kept = account.password if account else None
    fits = await anyio.to_thread.run_sync(
        check_password, given.get("password", ""), kept, limiter=_ONE_AT_A_TIME
    )  # fmt: skip
    if not fits:
        _BRAKE.note_failure(name, time.monotonic())
        _LOG.warning("Login failed for %r from %s", name, request.client.host if request.client else "unknown")
        return _page(ways, base, following, "Name or password is not right.", name, 401)
    _BRAKE.note_success(name)
    answer = RedirectResponse(following, 303)
    token = write_token(password_login(ways.people, name, time.time()), ways.people.secret)
    answer.set_cookie(COOKIE, token, max_age=LIFE_SECONDS, path=base or "/", httponly=True, samesite="lax",
                      secure=request.url.scheme == "https")  # fmt: skip
    return answer


def answer_logout(base: str) -> Response:
    """Take the login of our own away, and go to the login page."""
    answer = RedirectResponse(f"{base}/login", 303)
    answer.delete_cookie(COOKIE, path=base or "/")
    return answer


async def _read(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return b""
    return body


def _is_same_site(request: Request) -> bool:
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _inside(address: str, base: str) -> str:
    """Return an address to go on to if it is a path of this server, else the first page."""
    is_path = address.startswith(f"{base}/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() else f"{base}/"


def _page(ways: LoginMethods, base: str, following: str, said: str = "", name: str = "", status: int = 200) -> Response:
    has_passwords = any(account.password for account in ways.people.accounts)
    form = _FORM.format(action=f"{base}/login", next=html.escape(following), name=html.escape(name))
    shown = _PAGE.format(
        said=f'<p class="said" role="alert">{html.escape(said)}</p>' if said else "",
        form=form if has_passwords else "",
        others=_others(ways, base),
        about=_about(ways, has_passwords),
    )
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(shown, status, headers)


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
