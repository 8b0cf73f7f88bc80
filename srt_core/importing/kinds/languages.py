"""The language of a text as an ISO 639 code, by py3langid's naive Bayes over byte n-grams, which needs no network.

English is recognised first, by its function words, which is some twenty times faster: most sets are nearly all English.
"""

import re
from functools import cache
from typing import Any

from srt_core.records import Pair

UNKNOWN = "unknown"
"""The language of a text that is too short, or has too few words, to tell."""
READ_CHARACTERS = 200
LEAST_CONFIDENCE = 0.5
"""Below it py3langid guesses, as for numbers, names, code, or two or three words."""
LEAST_LETTERS = 12
"""For alphabetic scripts; Chinese, Japanese and Korean characters carry more information, and three suffice."""

_WORD = re.compile(r"[a-z']+")
_LISTED = """
    the and of to is are was were with that this these those for from which what how why who when where your you have
    has had can could would should will their there they it its as be been by not but about into following some write
    list name give describe explain create generate make find identify provide suggest convert classify using
"""
_ENGLISH = frozenset(_LISTED.split())
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NOT_LANGUAGES = ("zxx", "und")


def language_of(pair: Pair) -> str:
    """Return the language of the first 200 characters of instruction, input and response, or UNKNOWN."""
    text = f"{pair.instruction[:READ_CHARACTERS]}\n{pair.input[:READ_CHARACTERS]}\n{pair.response[:READ_CHARACTERS]}"
    return identify(text[:READ_CHARACTERS])


def identify(text: str, confidence: float = LEAST_CONFIDENCE) -> str:
    """Return the ISO 639 code of a text's language (two letters, or three where there is no such code), or UNKNOWN.

    `confidence` (0 to 1) is the least that is taken for an answer.
    """
    if is_plain_english(text):
        return "en"
    letters = sum(map(str.isalpha, text))
    if letters < LEAST_LETTERS and len(_DENSE.findall(text)) < LEAST_LETTERS // 4:
        return UNKNOWN
    code, found = _identifier().classify(text)
    return UNKNOWN if found < confidence or code in _NOT_LANGUAGES else str(code)


def is_plain_english(text: str) -> bool:
    """Return whether at least four words and a sixth of all are English function words, three of them different."""
    words = _WORD.findall(text.lower())
    hits = [word for word in words if word in _ENGLISH]
    return len(hits) >= 4 and 6 * len(hits) >= len(words) and len(set(hits)) >= 3


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
