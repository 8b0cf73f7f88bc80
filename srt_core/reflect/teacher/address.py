"""The address of a teacher and its API key: read, checked, and the key removed from all text that a server sends."""

import os
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from srt_core.errors import TeacherStopError

OPENAI_HOST: Final = "api.openai.com"
NO_KEY: Final = "no-key"
"""Sent to a server that needs no key: the client refuses to send none."""

REAL_KEY_CHARACTERS: Final = 8
"""A shorter key, or one of letters only, is a dummy such as `EMPTY`, which may also be a word of a reply."""

AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_API_VERSION: Final = re.compile(r"api-version=[\w.-]{1,40}", re.ASCII)
_ENDPOINT: Final = re.compile(r"/(chat/completions|completions|responses|embeddings|models)?/*$")
"""What an address may have at its end where that of one endpoint was pasted."""

SHOWN_CHARACTERS: Final = 200
"""Length to which a server's message is cut for display."""


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL, its host, and `shown`: host and port, the only part that is displayed or stored.

    `api_version` is the query that Azure's older addresses need, "" for all others.
    """

    base_url: str
    host: str
    shown: str
    api_version: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    def endpoint(self, path: str) -> str:
        """Return the URL of an endpoint, such as chat/completions."""
        return f"{self.base_url}/{path}" + (f"?{self.api_version}" if self.api_version else "")

    @property
    def advice(self) -> str:
        """What to look at where no chat endpoint answers: what an address of this shape most often lacks."""
        path = urlsplit(self.base_url).path
        if re.search(r"/(v\d\w*)/\1\b", path):
            return "The address has the same version twice, as in /v1/v1: leave out one of them."
        if self.api_version or (self.host.endswith(AZURE_HOSTS) and not path.startswith("/openai/v1")):
            return (
                "Azure's address is https://NAME.openai.azure.com/openai/v1, and its model is the deployment's name; "
                "the older form is the deployment's address with its ?api-version=."
            )
        if not re.search(r"/(v\d\w*|openai)(/|$)", path):
            return "Most servers answer under /v1: add it to the end of the address."
        return "Check the address and its port; a network that asks for a login may also answer in the server's place."


def read_address(base_url: str) -> Address:
    """Return the parts of a base URL; that of an endpoint, such as /chat/completions, is cut to it.

    TeacherStopError where it is none, or holds more, such as a key.
    """
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if (
        not host
        or not re.fullmatch(r"[\w.:-]+", host, re.ASCII)
        or re.search(r"[\s\x00-\x1f\x7f]", base_url)
        or parts.scheme not in ("http", "https")
    ):
        raise TeacherStopError(
            "The teacher's address is not a web address.", "Give one such as http://127.0.0.1:8000/v1."
        )
    if "@" in parts.netloc or parts.fragment or (parts.query and not _API_VERSION.fullmatch(parts.query)):
        raise TeacherStopError(
            "The address holds more than an address, perhaps a key.",
            "Leave out what stands before @ or after ?, and put the key into an environment variable.",
        )
    root = f"{parts.scheme}://{parts.netloc}{_ENDPOINT.sub('', parts.path)}"
    return Address(root, host, f"{host}:{port}" if port else host, parts.query)


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the environment variable that it was read from; the repr shows the variable only."""

    variable: str
    value: str = field(repr=False)

    def redacted(self, text: str) -> str:
        """Return a text with the key replaced by "[key]"."""
        return text if self.value == NO_KEY else text.replace(self.value, "[key]")

    def redacted_reply(self, text: str) -> str:
        """Return a reply with the key replaced, unless the key is a dummy that a reply may contain by chance."""
        is_real = len(self.value) >= REAL_KEY_CHARACTERS and not self.value.isalpha()
        return self.redacted(text) if is_real else text

    def shortened(self, text: str) -> str:
        """Return a server's message in one line, cut; the key is removed before, so that no part of it remains."""
        line = " ".join(self.redacted(text).split())
        return (line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + " [...]").rstrip(".")


def read_key(variable: str, address: Address) -> Key:
    """Return the key from the environment; a server other than OpenAI's may need none.

    TeacherStopError where it is missing or cannot be one; the message names the variable.
    """
    key = os.environ.get(variable, "").strip() if variable else ""
    if not key and address.host == OPENAI_HOST:
        raise TeacherStopError(
            f"There is no key: the environment variable {variable} is not set.", "Set it and start again."
        )
    if not re.fullmatch(r"[!-~]*", key):
        raise TeacherStopError(
            f"What the environment variable {variable} holds cannot be a key: it has spaces or letters beyond ASCII.",
            "Set it again.",
        )
    return Key(variable, key or NO_KEY)
