"""The page that asks for the token of the app's address, where nobody has to log in."""

import html
import time
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from srt_core.people import Login, is_access_token, local_login, write_token
from srt_core.people.access import TOKEN
from srt_core.people.login_methods import LoginMethods
from srt_core.people.logins import LIFE_SECONDS
from srt_core.ui.server.plain import LOGIN, inside, keep_cookie, plain_page, read_form

_WRONG = "That is not the token of this app. Another app, or another folder of projects, has another one."
_REFUSED = "wrong"
_FORM = """{said}<p>Open the address that srt printed when it started. To have it printed again, type this where the app
was started, in the same folder:</p><p><code>srt link{port}</code></p>
<form method="post" action="{action}"><input type="hidden" name="next" value="{next}">
<label for="token">Or paste that address, or its token</label>
<input id="token" name="token" type="password" autocomplete="off" required autofocus>
<button type="submit">Open</button></form>
<small>Without it any other user of this machine could open the app. This browser is asked once a week.</small>"""


def answer_address(request: Request, ways: LoginMethods, login: Login | None, base: str) -> Response:
    """Answer an address that holds a token: go on to it without the token, with the cookie where it is the right one.

    So the token stands in the address bar for no page, and no page is asked for with it.
    """
    kept = [(name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True) if name != TOKEN]
    query = urlencode(kept)
    following = inside(request.url.path + (f"?{query}" if query else ""), base)
    if ways.is_open and is_access_token(request.query_params[TOKEN], ways.people.secret):
        return _let_in(request, ways, following, base)
    if login or not ways.is_open:
        return _go_on(following)
    return _go_on(f"{base}/login?{urlencode({'next': following, _REFUSED: 1})}")


async def answer_form(request: Request, ways: LoginMethods, base: str) -> Response:
    """Answer the page's requests: show the form, or look at what was given and set the cookie."""
    if request.method != "POST":
        said = _WRONG if _REFUSED in request.query_params else ""
        return _page(request, base, inside(request.query_params.get("next", ""), base), said)
    given = await read_form(request)
    following = inside(given.get("next", ""), base)
    if is_access_token(given.get("token", ""), ways.people.secret):
        return _let_in(request, ways, following, base)
    return _page(request, base, following, _WRONG, 401)


def _let_in(request: Request, ways: LoginMethods, following: str, base: str) -> Response:
    answer = _go_on(following)
    login = write_token(local_login(ways.people, time.time()), ways.people.secret)
    keep_cookie(answer, request, LOGIN, login, LIFE_SECONDS, base)
    return answer


def _go_on(address: str) -> Response:
    return RedirectResponse(address, 303, {"Referrer-Policy": "no-referrer"})


def _page(request: Request, base: str, following: str, said: str, status: int = 200) -> Response:
    port = (request.scope.get("server") or (None, None))[1]
    body = _FORM.format(
        said=f'<p class="said" role="alert">{html.escape(said)}</p>' if said else "",
        port="" if port in (None, 8501) else f" --port {port}",
        action=f"{base}/login",
        next=html.escape(following),
    )
    return plain_page("Open srt", body, status)
