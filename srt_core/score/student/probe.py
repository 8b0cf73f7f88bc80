"""The texts that a student is tried with when it is loaded."""

from srt_core.records import LossRequest, LossStatus
from srt_core.score.student.packing import Pack

TEXT = (
    "The quick brown fox jumps over the lazy dog. Why? Because 7 x 8 = 56, and 3.14159 is not 22/7!\n"
    "def twice(n: int) -> int:\n    return 2 * n  # <br/> {'a': [1, 2]}\n\tSELECT * FROM t WHERE x >= 10;\n"
    "Le chat dort sur le tapis; der Hund wei\u00df nichts davon. \u042d\u0442\u043e \u0432\u0441\u0451. \u4eca\u5929"
    "\u5929\u6c14\u5f88\u597d\u3002 \u0645\u0631\u062d\u0628\u0627 \U0001f642\n"
    "### Instruction: Name three colours of the rainbow. ### Response: Red, green and blue, blue, blue, blue. "
    "AAAAAAAA zzzz qwertyuiop Mississippi antidisestablishmentarianism http://example.org/?q=%20\n"
) * 4
"""Words, code, numbers, scripts, repetition: what makes small and large numbers in a model."""
_SHORT, _LONG = 48, 320
TOKENS = 4 * _LONG
"""More than all requests together."""


def requests(ids: tuple[int, ...], limit: int) -> Pack:
    """Return requests of every shape that a pack may have: shared beginnings, branches, a single target, long texts.

    `ids`: the tokens of `TEXT` behind a start token; `limit`: the longest text, in tokens.
    """
    long = ids[: min(_LONG, limit)]
    ids = long[:_SHORT]
    size = len(ids)
    again = (ids[:1] + 6 * ids[1:17])[:limit]  # a trained model soon knows how it goes on: losses near 0
    back, long_back = (each[:1] + each[:0:-1] for each in (ids, long))
    texts = [
        (ids, size // 2),
        (ids, size - 1),
        (ids[: size // 2], 1),
        (back, 1),
        (ids[: 2 * size // 3], size // 2),
        (ids[: 2 * size // 3] + back[: size // 4], 2 * size // 3),
        (ids[: size // 2] + back[: size // 3], size // 2),
        (long, size // 2),
        (long_back, 1),
        (again, 1),
    ]
    return tuple(LossRequest(text, max(1, start), LossStatus.OK) for text, start in texts)
