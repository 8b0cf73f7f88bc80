"""The gate before everything the server gives: pages, sessions, uploads and files. It alone finds out who somebody is.

An ASGI middleware around the whole of Streamlit. To a request that may pass it adds a header with the login, sealed
with a secret of this process, which `ui.identity` reads from the session; nobody else can write it.
"""

import json
import logging
import secrets
import time
from contextlib import nullcontext
from dataclasses import asdict
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from srt_core.errors import PeopleError
from srt_core.people import Login, LoginMethod, Person, ended_logins, load, people_path, person_of, read_token
from srt_core.people.access import TOKEN
from srt_core.people.login_methods import (
    NOBODY_CAN,
    THIS_MACHINE_ALONE,
    LoginMethods,
    is_local_request,
    is_same_origin,
    is_trusted_proxy,
)
from srt_core.people.settings import trusted_proxies
from srt_core.ui.server import openid, uploads
from srt_core.ui.server.login import answer_login, answer_logout
from srt_core.ui.server.plain import LOGIN, cookie_name
from srt_core.ui.server.token import answer_address, answer_form

HEADER = "x-srt-login"
SEAL = secrets.token_hex(32)
_FREE = ("/_stcore/health", "/_stcore/script-health-check")
UNREADABLE = "Who may come in cannot be read on this server. Its log says why."
_LOG = logging.getLogger("srt")
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
    return f"{base_path()}/logout"


class Gate:
    """The middleware. What is not let through gets a login page, a plain refusal, or no connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its login, or answer it here."""
        if scope["type"] not in ("http", "websocket") or _path(scope) in _FREE:
            await self.app(scope, receive, send)
            return
        send = _guarded(send)
        if _is_from_elsewhere(scope):
            await _refuse(scope, receive, send, PlainTextResponse("That came from another site.", 403))
            return
        try:
            ways = read_ways()
            login = _identify(scope, ways)
        except PeopleError as error:
            _LOG.error("%s %s", error.message, error.hint)  # it names files of this machine
            await _refuse(scope, receive, send, PlainTextResponse(UNREADABLE, 503))
            return
        answer = await _own_answer(scope, receive, ways, login)
        if answer is not None:
            await _refuse(scope, receive, send, answer)
            return
        passed = {**scope, "headers": _headers(scope, ways, login)}
        if scope["type"] == "websocket":
            receive = _watched(login, receive, send)
        with uploads.arriving(scope) if uploads.is_upload(scope, _path(scope)) else nullcontext():
            await self.app(passed, receive, send)


def _identify(scope: Scope, ways: LoginMethods) -> Login | None:
    """Find who sent a request: a proxy's header, then OpenID Connect, then a login of our own; None for nobody."""
    request = HTTPConnection(scope)
    kept = read_token(request.cookies.get(cookie_name(LOGIN, request), ""), ways.people.secret)
    if ways.is_open:
        is_local = kept is not None and kept.way is LoginMethod.LOCAL and _is_here(scope)
        return kept if kept and is_local and _person(kept, ways) else None
    name = (request.headers.get(ways.header) or "").strip() if ways.header and _is_by_proxy(scope) else ""
    claims = openid.read_claims(request.cookies) if ways.has_openid else None
    if name:
        login: Login | None = Login(LoginMethod.PROXY, name)
    elif claims and claims.name:
        login = Login(LoginMethod.OPENID, claims.name, session=claims.session)
    else:
        login = kept
    return login if login and login.way is not LoginMethod.LOCAL and _person(login, ways) else None


def _person(login: Login, ways: LoginMethods) -> Person | None:
    return person_of(login, ways.people, time.time(), ways.ended)


def _is_here(scope: Scope) -> bool:
    """Whether a request was sent on this machine, to a name of this machine."""
    return is_local_request(dict(Headers(scope=scope)), (scope.get("server") or (None,))[0])


def _is_from_elsewhere(scope: Scope) -> bool:
    """Whether a page of another site sent what could change something: a session, or anything but a question."""
    if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _path(scope) != openid.LOGOUT:
        return False
    headers = dict(Headers(scope=scope))
    if _is_by_proxy(scope) and "x-forwarded-host" in headers:
        headers["host"] = headers["x-forwarded-host"]
    return not is_same_origin(headers, config.get_option("server.corsAllowedOrigins") or ())


def _guarded(send: Send) -> Send:
    """Return `send` with headers: no other site shows this one within its own, or is told addresses of this one."""

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.append("Content-Security-Policy", "frame-ancestors 'self'")
            headers.setdefault("Referrer-Policy", "same-origin")
        await send(message)

    return send_guarded


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
    if login is None or (login.way is LoginMethod.LOCAL and not ways.is_open):
        return False
    return _person(login, ways) is not None


async def _own_answer(scope: Scope, receive: Receive, ways: LoginMethods, login: Login | None) -> Response | None:
    """Return the gate's own answer to a request: the login's pages, or a refusal; None where it may pass."""
    if scope["type"] == "websocket":
        return None if login else PlainTextResponse("Log in first.", 401)
    path, base, request = _path(scope), base_path(), Request(scope, receive)
    if login is None and not ways.has_any and not (ways.is_open and _is_here(scope)):
        return PlainTextResponse(THIS_MACHINE_ALONE if ways.is_open else NOBODY_CAN, 403)
    if TOKEN in request.query_params and request.method in ("GET", "HEAD"):
        return answer_address(request, ways, login, base)
    if path == "/login":
        if login:
            return RedirectResponse(f"{base}/", 303)
        return await (answer_form if ways.is_open else answer_login)(request, ways, base)
    if path == "/logout":
        return answer_logout(request, login, base)
    if login and uploads.is_upload(scope, path):
        return uploads.refusal(scope, _person(login, ways))
    if login or (ways.has_openid and path in _OPENID_PATHS):
        return None
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Log in first.", 401)
    asked = base + path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{base}/login?next={quote(asked, safe='')}", 303)


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


def base_path() -> str:
    """Return what stands before every path of this server; "" for nothing."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(base_path()) or "/"
