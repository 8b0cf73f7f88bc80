"""What the pages before any session of Streamlit share: a page without scripts, forms, where to go on to, cookies."""

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response

LOGIN: Final = "login"
DEVICE: Final = "device"
"""The cookies: who is logged in, and in which browser somebody logged in before."""
MOST_BYTES = 8_192

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
code {{ overflow-wrap: anywhere; }}
small {{ display: block; margin-top: 1.5rem; opacity: 0.75; }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""


def plain_page(title: str, body: str, status: int = 200) -> Response:
    """Return a page without scripts; `body` is markup of ours, with what came from outside escaped."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers)


async def read_form(request: Request) -> dict[str, str]:
    """Read a small form that was sent; empty where it is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return {}
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def inside(address: str, base: str) -> str:
    """Return an address to go on to if it is a path of this server, else the first page."""
    is_path = address.startswith(f"{base}/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() else f"{base}/"


def cookie_name(name: str, request: HTTPConnection) -> str:
    """Return the name of a cookie for the port that the browser sees: a browser keeps one set for all ports."""
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"srt_{name}_{port}" if port.isascii() and port.isdigit() else f"srt_{name}"


def keep_cookie(answer: Response, request: Request, name: str, value: str, seconds: int, base: str) -> None:
    """Have the browser keep a cookie for this server's pages alone."""
    answer.set_cookie(cookie_name(name, request), value, max_age=seconds, path=base or "/", httponly=True,
                      samesite="lax", secure=request.url.scheme == "https")  # fmt: skip
