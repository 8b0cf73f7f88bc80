"""What is asked of a server besides replies: its list of models, and whether its port speaks TLS."""

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from srt_core.reflect.teacher.address import Address, Key
from srt_core.reflect.teacher.answers import AnswerReader
from srt_core.reflect.teacher.kinds import CallOutcome
from srt_core.reflect.teacher.transport import Transport

LIST_SECONDS: Final = 5.0
MOST_MODELS: Final = 2_000
LONGEST_NAME: Final = 200
NAMED_MODELS: Final = 5


@dataclass(frozen=True, slots=True)
class ModelList:
    """The names of a server's models, or the problem that kept it from listing them: a sentence, "" for none."""

    names: tuple[str, ...] = ()
    problem: str = ""
    wants_key: bool = False
    """Whether the server lists them to a key alone."""

    def nearest(self, model: str) -> str:
        """Name the models whose names are most like this one, else the first few, as a sentence; "" for no list."""
        if not self.names:
            return ""
        last = {name.rsplit("/", 1)[-1].lower(): name for name in reversed(self.names)}
        near = [last[each] for each in get_close_matches(model.rsplit("/", 1)[-1].lower(), last, NAMED_MODELS, 0.5)]
        if near:
            return f"The nearest that it lists: {', '.join(near)}."
        more = f", and {len(self.names) - NAMED_MODELS:,} more" if len(self.names) > NAMED_MODELS else ""
        return f"It lists {', '.join(self.names[:NAMED_MODELS])}{more}."


async def list_models(transport: Transport, key: Key, reader: AnswerReader) -> ModelList:
    """Ask a server for its models (GET /models)."""
    import aiohttp

    try:
        async with asyncio.timeout(LIST_SECONDS):
            found = await transport.get("models")
    except aiohttp.ClientError as error:
        return ModelList(problem=f"It lists no models: {key.shortened(str(error) or type(error).__name__)}.")
    except TimeoutError:
        return ModelList(problem=f"It listed no models in {LIST_SECONDS:g} seconds.")
    if found.status != 200:
        answer = reader.error(found.status, found.body.decode(errors="replace"))
        return ModelList(problem=answer.detail, wants_key=answer.outcome is CallOutcome.KEY_REFUSED)
    names = _names(found.body)
    return ModelList(names, "" if names else "It lists no models.")


def _names(body: bytes) -> tuple[str, ...]:
    """Read the names in a list of models: OpenAI's shape, a bare list, or names in place of ids."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if isinstance(found, dict):
        found = found.get("data") or found.get("models")
    rows: Sequence[Any] = found if isinstance(found, list) else ()
    named = (row.get("id") or row.get("name") if isinstance(row, dict) else row for row in rows)
    names = (name for name in named if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable())
    return tuple(dict.fromkeys(names))[:MOST_MODELS]


async def speaks_tls(address: Address) -> bool:
    """Whether the port of an address begins a TLS handshake, whatever its certificate. Nothing else is sent."""
    parts = urlsplit(address.base_url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(LIST_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, ssl=context)
    except (OSError, TimeoutError):  # among them ssl.SSLError
        return False
    writer.transport.abort()
    return True
