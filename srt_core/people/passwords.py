"""Passwords, stored as Argon2id hashes with a salt each (RFC 9106); scrypt hashes of older files stay valid."""

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from srt_core.errors import PeopleError

MIN_LENGTH = 10
MAX_LENGTH = 1000
_HASHER = PasswordHasher()
_SCRYPT_MEMORY = 64 * 1024 * 1024


def hash_password(password: str) -> str:
    """Return the hash to store. PeopleError if the password is shorter than 10 or longer than 1,000 characters."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise PeopleError(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH:,} characters.", "Choose another, or have one made."
        )
    return _HASHER.hash(_bytes(password))


def check_password(password: str, stored: str | None) -> bool:
    """Return whether a password is the one of this hash; False for None, a person without a password.

    It takes as long for None, so that response times do not reveal which names exist.
    """
    if stored and stored.startswith("scrypt$"):
        return _is_of_scrypt(password, stored)
    try:
        return _HASHER.verify(stored or _NOBODYS, _bytes(password)) and stored is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def make_password() -> str:
    """Return a random password of 20 letters and digits in groups of five: over 100 bits."""
    letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _is_of_scrypt(password: str, stored: str) -> bool:
    """Check a hash as older versions made them: scrypt$cost$block$lanes$salt$key (RFC 7914)."""
    _, cost, block, lanes, salt, wanted = stored.split("$")
    found = hashlib.scrypt(
        _bytes(password), salt=base64.b64decode(salt), n=2 ** int(cost), r=int(block), p=int(lanes),
        maxmem=_SCRYPT_MEMORY,
    )  # fmt: skip
    return hmac.compare_digest(found, base64.b64decode(wanted))


def _bytes(password: str) -> bytes:
    return password[:MAX_LENGTH].encode("utf-8", "surrogatepass")


_NOBODYS = _HASHER.hash(secrets.token_bytes(16))
