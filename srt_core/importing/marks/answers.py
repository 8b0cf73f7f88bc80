"""The mark of a response in another language than its instruction, where none was asked for."""

import re
from typing import NamedTuple

from srt_core.importing.kinds import UNKNOWN, TaskType
from srt_core.importing.kinds.languages import LEAST_CONFIDENCE, identify, is_plain_english
from srt_core.importing.marks.mark import Mark, Original, without_code


class Least(NamedTuple):
    """What a text has to have for its language to be believed."""

    letters: int
    """Fewer may be a name, a title or a quotation. A Chinese, Japanese or Korean character counts for four."""
    confidence: float
    """Of a text in Latin letters; other scripts have fewer languages each, which are alike to most readers."""


_ASKED_IN, _ANSWERED_IN = Least(20, 0.8), Least(60, 0.95)
READ_CHARACTERS = 200

_LANGUAGES = """
    english french german spanish italian portuguese dutch russian polish swedish latin greek turkish arabic hebrew
    hindi urdu bengali tamil telugu thai vietnamese indonesian malay tagalog filipino swahili chinese mandarin cantonese
    japanese korean ukrainian czech danish norwegian finnish hungarian romanian icelandic irish welsh esperanto persian
    farsi anglais français allemand espagnol italien portugais russe chinois arabe englisch deutsch französisch spanisch
    inglés francés alemán español inglês francês espanhol inglese francese tedesco spagnolo английск русск испанск
"""
_ASKED = re.compile(
    rf"\b(?:{'|'.join(_LANGUAGES.split())})|translat|languages?\b|lingu|tradu[cizç]|übersetz|sprache|langue|idioma|перев[её]д"
    r"|перевод|язык|ترجم|英[语語文]|中文|汉语|日[语語本文]|法[语語]|德[语語]|翻[译訳譯]|语言|言語|번역|영어|한국어|अनुवाद"
)
_NOT_WORDS = re.compile(r"https?://\S+|[\"“«„][^\"”»“]{0,200}[\"”»“]|[\d\W_]+")
_PARTS = re.compile(r"[,;•|/]|\n+")
_NOT_LATIN = re.compile(r"[\u0370-\u1dff\u3040-\ud7ff]")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ALIKE = (
    {"es", "pt", "gl", "ca", "an", "oc", "ast"}, {"no", "nb", "nn", "da", "sv", "fo", "is"}, {"id", "ms", "jv", "su"},
    {"hr", "sr", "bs", "sl", "mk"}, {"cs", "sk"}, {"nl", "af", "de", "lb", "li", "nds"}, {"zh", "yue", "wuu"},
    {"ru", "uk", "be", "bg"}, {"hi", "mr", "ne", "sa"}, {"ar", "fa", "ur", "ps"}, {"it", "co", "la"}, {"tr", "az"},
)  # fmt: skip
"""Languages whose short texts are taken for each other."""
_RARE = {"la", "eo", "vo", "qu", "jv", "su", "mg", "rw", "xh", "zu", "wa", "an", "oc", "br", "se", "ht", "ku", "tl"}
"""Languages that lists of names and terms are taken for."""
LEAST_WORDS_A_PART = 4
"""Where commas and line ends stand closer, a text is a list of names, whose language says little."""
_ANY_LANGUAGE = (TaskType.TRANSLATION, TaskType.CODE, TaskType.MATHEMATICS)


def other_language(sample: Original) -> str | None:
    """Compare the language of the response with those of instruction and input; None where one is not sure."""
    if sample.task in _ANY_LANGUAGE:
        return None
    asked = _language(sample.pair.instruction, _ASKED_IN)
    if asked == UNKNOWN:
        return None
    answered = _language(sample.pair.response, _ANSWERED_IN)
    if answered in (UNKNOWN, *_RARE) or asked in _RARE or _is_alike(asked, answered) or _ASKED.search(sample.asked):
        return None
    if _is_alike(_language(sample.pair.input, _ASKED_IN), answered):
        return None
    return f"the instruction is in {asked}, the response in {answered}"


def _language(text: str, least: Least) -> str:
    if is_plain_english(text[:READ_CHARACTERS]):  # as most texts are
        return "en"
    read = without_code(text[: 2 * READ_CHARACTERS])
    if len(read.split()) < LEAST_WORDS_A_PART * len(_PARTS.findall(read)):
        return UNKNOWN
    words = _NOT_WORDS.sub(" ", read)[:READ_CHARACTERS]
    letters = sum(map(len, words.split())) + 3 * len(_DENSE.findall(words))
    confidence = LEAST_CONFIDENCE if 2 * len(_NOT_LATIN.findall(words)) > len(words) else least.confidence
    return identify(words, confidence) if letters >= least.letters else UNKNOWN


def _is_alike(one: str, other: str) -> bool:
    return one == other or any({one, other} <= group for group in _ALIKE)


MARKS = (
    Mark(
        "other_language",
        "Another language",
        "The response is in another language than the instruction, and no translation was asked for.",
        other_language,
    ),
)
