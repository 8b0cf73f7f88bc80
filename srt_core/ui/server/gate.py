"""The gate before everything the server gives: pages, sessions, uploads and files. It alone finds out who somebody is.

An ASGI middleware around the whole of Streamlit. To a request that may pass it adds a header with the login, sealed
with a secret of this process, which `ui.identity` reads from the session; nobody else can write it.
"""

import json
import secrets
import time
from dataclasses import asdict
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from srt_core.errors import PeopleError
from srt_core.people import Login, LoginMethod, Person, ended_logins, load, people_path, person_of, read_token
from srt_core.people.login_methods import (
    NOBODY_CAN,
    LoginMethods,
    is_local_request,
    is_same_origin,
    is_trusted_proxy,
)
from srt_core.people.settings import trusted_proxies
from srt_core.ui.server import openid
from srt_core.ui.server.login import COOKIE, answer_login, answer_logout

HEADER = "x-srt-login"
SEAL = secrets.token_hex(32)
_FREE = ("/_stcore/health", "/_stcore/script-health-check")
_OPENID_PATHS = ("/auth/login", openid.LOGOUT, "/oauth2callback")


def read_ways() -> LoginMethods:
    """Read how the server is bound and how people can log in; PeopleError if the file of people cannot be read."""
    return LoginMethods(
        config.get_option("server.address"),
        _trusted_header(),
        openid.is_configured(),
        load(people_path()),
        ended_logins(),
    )


def unseal(value: str) -> Login | None:
    """Read the login that the gate added to a request; None for what anybody else wrote."""
    seal, _, body = value.partition(" ")
    if not secrets.compare_digest(seal.encode(), SEAL.encode()):
        return None
    found = json.loads(body)
    return Login(**{**found, "way": LoginMethod(found["way"])})


def logout_path() -> str:
    """Return the path of the page that ends a login."""
    return f"{_base()}/logout"


class Gate:
    """The middleware. What is not let through gets a login page, a plain refusal, or no connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its login, or answer it here."""
        if scope["type"] not in ("http", "websocket") or _path(scope) in _FREE:
            await self.app(scope, receive, send)
            return
        send = _unframed(send)
        if _is_from_elsewhere(scope):
            await _refuse(scope, receive, send, PlainTextResponse("That came from another site.", 403))
            return
        try:
            ways = read_ways()
            login = _identify(scope, ways)
        except PeopleError as error:
            await _refuse(scope, receive, send, PlainTextResponse(f"{error.message} {error.hint}", 503))
            return
        answer = await _own_answer(scope, receive, ways, login)
        if answer is not None:
            await _refuse(scope, receive, send, answer)
            return
        passed = {**scope, "headers": _headers(scope, ways, login)}
        await self.app(passed, _watched(login, receive, send) if scope["type"] == "websocket" else receive, send)


def _identify(scope: Scope, ways: LoginMethods) -> Login | None:
    """Find who sent a request: a proxy's header, then OpenID Connect, then a login of our own; None for nobody."""
    request = HTTPConnection(scope)
    if ways.is_open:
        here = is_local_request(dict(request.headers), (scope.get("server") or (None,))[0])
        return Login(LoginMethod.LOCAL) if here else None
    name = (request.headers.get(ways.header) or "").strip() if ways.header and _is_by_proxy(scope) else ""
    claims = openid.read_claims(request.cookies) if ways.has_openid else None
    if name:
        login: Login | None = Login(LoginMethod.PROXY, name)
    elif claims and claims.name:
        login = Login(LoginMethod.OPENID, claims.name, session=claims.session)
    else:
        login = read_token(request.cookies.get(COOKIE, ""), ways.people.secret)
    return login if login and login.way is not LoginMethod.LOCAL and _person(login, ways) else None


def _person(login: Login, ways: LoginMethods) -> Person | None:
    return person_of(login, ways.people, time.time(), ways.ended)


def _is_from_elsewhere(scope: Scope) -> bool:
    """Whether a page of another site sent what could change something: a session, or anything but a question."""
    if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _path(scope) != openid.LOGOUT:
        return False
    headers = dict(Headers(scope=scope))
    if _is_by_proxy(scope) and "x-forwarded-host" in headers:
        headers["host"] = headers["x-forwarded-host"]
    return not is_same_origin(headers, config.get_option("server.corsAllowedOrigins") or ())


def _unframed(send: Send) -> Send:
    """Return `send` with the header that keeps other sites from showing this one within theirs."""

    async def send_unframed(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("Content-Security-Policy", "frame-ancestors 'self'")
        await send(message)

    return send_unframed


def _watched(login: Login | None, receive: Receive, send: Send) -> Receive:
    """Return `receive` of a session that ends with the next message once its login does not stand any more."""

    async def receive_while_logged_in() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and not _stands(login):
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return {"type": "websocket.disconnect", "code": 1008}
        return message

    return receive_while_logged_in


def _stands(login: Login | None) -> bool:
    try:
        ways = read_ways()
    except PeopleError:
        return False
    if login is None or login.way is LoginMethod.LOCAL:
        return login is not None and ways.is_open
    return _person(login, ways) is not None


async def _own_answer(scope: Scope, receive: Receive, ways: LoginMethods, login: Login | None) -> Response | None:
    """Return the gate's own answer to a request: the login's pages, or a refusal; None where it may pass."""
    path = _path(scope)
    if scope["type"] == "http" and login is None and not ways.has_any:
        return PlainTextResponse(NOBODY_CAN, 403)
    if scope["type"] == "http" and path == "/login":
        if login:
            return RedirectResponse(_base() + "/", 303)
        return await answer_login(Request(scope, receive), ways, _base())
    if scope["type"] == "http" and path == "/logout":
        return answer_logout(Request(scope, receive), login, _base())
    if login or (ways.has_openid and scope["type"] == "http" and path in _OPENID_PATHS):
        return None
    asks_for_page = scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "") \
        if scope["type"] == "http" else False  # fmt: skip
    if not asks_for_page:
        return PlainTextResponse("Log in first.", 401)
    asked = _base() + path + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    return RedirectResponse(f"{_base()}/login?next={quote(asked, safe='')}", 303)


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":  # before it is accepted: the browser gets a 403 and no session begins
        close: Message = {"type": "websocket.close", "code": 1008, "reason": ""}
        await send(close)
        return
    answer.headers["Cache-Control"] = "no-store"
    await answer(scope, receive, send)


def _headers(scope: Scope, ways: LoginMethods, login: Login | None) -> list[tuple[bytes, bytes]]:
    """Return a request's headers with the login, and without a proxy's where it comes from no proxy."""
    dropped = {HEADER}
    if not _is_by_proxy(scope):
        dropped |= {name.lower() for name in _header_map()}
    kept = [(name, value) for name, value in scope["headers"] if name.decode("latin-1").lower() not in dropped]
    return [*kept, (HEADER.encode(), f"{SEAL} {json.dumps(asdict(login))}".encode())] if login else kept


def _is_by_proxy(scope: Scope) -> bool:
    return is_trusted_proxy(scope.get("client"), trusted_proxies())


def _header_map() -> dict[str, str]:
    found = config.get_option("server.trustedUserHeaders")
    return found if isinstance(found, dict) else {}


def _trusted_header() -> str | None:
    """Return the header that names a person: the one for `email`, else the first that is configured."""
    headers = _header_map()
    return next((name for name, key in headers.items() if key == "email"), next(iter(headers), None))


def _base() -> str:
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(_base()) or "/"
