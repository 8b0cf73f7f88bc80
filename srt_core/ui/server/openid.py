"""OpenID Connect, as Streamlit does it with the extra `auth` and an [auth] section in its secrets.toml.

Streamlit keeps the login in a signed cookie and gives it to a session as st.user. The gate stands before any session
and reads the same cookie, with the functions that Streamlit's own server uses (streamlit/web/server/starlette).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks, get_secrets_auth_section
from streamlit.errors import StreamlitAuthError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

LOGOUT = "/auth/logout"


def is_configured() -> bool:
    """Whether secrets.toml has an [auth] section."""
    return bool(get_secrets_auth_section())


def providers() -> dict[str, str]:
    """Return the providers that are configured: name as Streamlit knows it to what to call it."""
    section = get_secrets_auth_section()
    named = {name: name for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value}
    return {"default": "OpenID Connect", **named} if "client_id" in section else named


def login_address(provider: str) -> str:
    """Return the path that starts the login with a provider; "" where the extra `auth` is not installed."""
    try:
        return f"/auth/login?provider={encode_provider_token(provider)}"
    except StreamlitAuthError:
        return ""


@dataclass(frozen=True, slots=True)
class Claims:
    """What Streamlit's signed cookie says of who logged in with a provider."""

    name: str
    """Their e-mail address, where the provider says that it has verified it; else ""."""
    session: str
    """By which this login can be ended."""


def read_claims(cookies: Mapping[str, str]) -> Claims | None:
    """Return what a provider said of who logged in; None for nobody.

    Only a verified e-mail address names somebody: any other name a user of the provider may choose.
    """

    def read(name: str) -> bytes | None:
        value = cookies.get(name)
        secret = get_cookie_secret()
        return decode_signed_value(secret, name, value.encode("latin-1")) if value and secret else None

    raw = get_cookie_with_chunks(read, USER_COOKIE_NAME)
    try:
        found = json.loads(raw) if raw else {}
    except ValueError:
        return None
    if not raw or not found.get("is_logged_in"):
        return None
    is_verified = found.get("email_verified") is True
    # The cookie's bytes are the same until the provider is asked again, and then hold another time of issue.
    return Claims(str(found.get("email") or "") if is_verified else "", hashlib.sha256(raw).hexdigest()[:32])
