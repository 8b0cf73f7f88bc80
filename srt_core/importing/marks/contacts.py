"""The mark of what looks like somebody's e-mail address or phone number. What it shows of it is masked."""

import re

from srt_core.importing.kinds import TaskType
from srt_core.importing.marks.mark import Mark, Original

_EMAIL = re.compile(r"(?<![\w.+/@-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b(?![/:@])")
_INVENTED = re.compile(
    r"@(?:[\w-]+\.)*(?:example|test|domain|email|mail|company|yourcompany|yourdomain|mycompany|website|yourwebsite"
    r"|business|acme|xyz|abc\w*|\w*example)\.[a-z]+$|^(?:you|your[\w.]*|name|user(?:name)?|someone|somebody|example\w*)@"
    r"|\.(?:example|test|invalid|local)$",
    re.IGNORECASE,
)
"""Addresses that are nobody's: of reserved domains, or such as people make up."""
_PHONE = re.compile(
    r"""(?<![\w.,/=#$€£+-])(?:
        \+\d{1,3}[\s.-]?(?:\(\d{1,4}\)[\s.-]?)?\d{1,4}(?:[\s.-]\d{2,4}){1,4}        # +49 30 901820 33
      | \+\d{10,14}
      | (?:\+?1[\s.-])?\(\d{3}\)\s?\d{3}[.-]\d{4} | (?:1-)?\d{3}-\d{3}-\d{4} | \d{3}\.\d{3}\.\d{4}
    )(?![\w/=%]|[.,-]\d)""",
    re.VERBOSE,
)
_DIGITS = re.compile(r"\d")
_MANY_DIGITS = re.compile(r"\d[\d\s().-]{7,30}\d")
"""Quick to look for, and in every phone number."""
LEAST_DIGITS, MOST_DIGITS, LEAST_DIFFERENT = 9, 15, 4


def contact(sample: Original) -> str | None:
    """Find the first e-mail address or phone number that is not plainly made up."""
    for part, text in sample.texts:
        if "@" in text:
            for found in _EMAIL.finditer(text):
                if not _INVENTED.search(found[0]):
                    return _say(_mask_address(found[0]), part, found.start())
        if sample.task is TaskType.MATHEMATICS or not _MANY_DIGITS.search(text):
            continue
        for found in _PHONE.finditer(text):
            if _may_ring(found[0]):
                return _say(f"{found[0].strip()[:4]}…{found[0][-2:]}", part, found.start())
    return None


def _say(shown: str, part: str, place: int) -> str:
    return f"{shown} in the {part}, at character {place + 1:,}"


def _mask_address(address: str) -> str:
    name, _, domain = address.partition("@")
    return f"{name[:2]}…@{domain}"


def _may_ring(written: str) -> bool:
    """Whether a number could be somebody's: 555 is kept for films, and 123-456-7890 for forms."""
    digits = "".join(_DIGITS.findall(written))
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
        return False
    national = digits[-10:]
    is_counted_up = "123456" in digits or "456789" in digits
    return "555" not in (national[:3], national[3:6]) and not is_counted_up and len(set(national)) >= LEAST_DIFFERENT


MARKS = (
    Mark(
        "contact",
        "E-mail or phone number",
        "A text holds what looks like somebody's e-mail address or phone number; made-up ones are passed over.",
        contact,
    ),
)
