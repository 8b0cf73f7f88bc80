"""Passwords, stored as scrypt hashes with a salt each (RFC 7914)."""

import base64
import hashlib
import hmac
import secrets

from srt_core.errors import PeopleError

MIN_LENGTH = 10
MAX_LENGTH = 1000
_COST, _BLOCK, _LANES = 15, 8, 1  # 2**15 rounds over 32 MiB: some 0.1 s
_MEMORY = 64 * 1024 * 1024


def hash_password(password: str) -> str:
    """Return the hash to store. PeopleError if the password is shorter than 10 or longer than 1,000 characters."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise PeopleError(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH:,} characters.", "Choose another, or have one made."
        )
    salt = secrets.token_bytes(16)
    parts = [_text(salt), _text(_scrypt(password, salt, _COST, _BLOCK, _LANES))]
    return "$".join(["scrypt", str(_COST), str(_BLOCK), str(_LANES), *parts])


def check_password(password: str, stored: str | None) -> bool:
    """Return whether a password is the one of this hash; False for None, a person without a password.

    It takes as long for None, so that response times do not reveal which names exist.
    """
    name, cost, block, lanes, salt, wanted = (stored or _DUMMY).split("$")
    found = _scrypt(password[:MAX_LENGTH], base64.b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(found, base64.b64decode(wanted)) and name == "scrypt" and stored is not None


def make_password() -> str:
    """Return a random password of 20 letters and digits in groups of five: over 100 bits."""
    letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=2**cost, r=block, p=lanes, maxmem=_MEMORY)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_DUMMY = f"scrypt${_COST}${_BLOCK}${_LANES}${_text(bytes(16))}${_text(bytes(64))}"
