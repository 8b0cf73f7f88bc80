"""The token of an app in which nobody has to log in: whoever has it may come in, as the address that is printed does.

It follows from the secret in the file of people, which only the person who started the app can read. So it stays the
same over restarts, any command can print it, and another secret makes another token and ends what the old one opened.
"""

import base64
import hashlib
import hmac
import html
import secrets
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from srt_core.people.accounts import People, load, save, write_private
from srt_core.people.settings import projects_folder

TOKEN = "token"
"""The parameter of an address that holds it."""
_BYTES = 24
_OPENING = """<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>srt</title>
<meta http-equiv="refresh" content="0; url={address}"><a href="{address}">Open srt</a>
"""


def access_token(secret: str) -> str:
    """Return the token that belongs to a secret; "" where there is none."""
    made = hmac.digest(secret.encode(), b"srt access", hashlib.sha256)[:_BYTES]
    return base64.urlsafe_b64encode(made).decode() if secret else ""


def is_access_token(given: str, secret: str) -> bool:
    """Return whether this is the token of a secret, or an address that holds it; it takes as long for any other."""
    held = parse_qs(urlsplit(given).query).get(TOKEN, [given]) if "://" in given else [given]
    return bool(secret) and hmac.compare_digest(held[-1].strip().encode(), access_token(secret).encode())


def keep_secret(path: Path, *, new: bool = False) -> People:
    """Return the file of people, with a secret where it had none, or another one where a new one is wanted.

    Raises:
        PeopleError: it cannot be read or written.
    """
    people = load(path)
    if new or not people.secret:
        save(path, replace(people, secret=secrets.token_hex(32)))
    return load(path)


def app_address(address: str | None, port: int, base: str = "", token: str = "") -> str:
    """Return the address at which a browser of this machine finds the app, with the token where one is given."""
    name = (address or "127.0.0.1").strip("[]")
    host = f"[{name}]" if ":" in name else name
    return f"http://{host}:{port}{base}/" + (f"?{TOKEN}={token}" if token else "")


def opening_page(address: str, port: int) -> Path:
    """Write a page that leads to an address, readable by its owner only, beside the projects, and return its path.

    A browser is started with its path: other users of the machine can list the arguments that a program is given.
    """
    path = projects_folder() / f"open-{port}.html"
    write_private(path, _OPENING.format(address=html.escape(address)))
    return path
