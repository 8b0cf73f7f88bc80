"""The mark of a response that speaks of itself as an AI, or declines in a set phrase, instead of answering."""

import re

from srt_core.importing.kinds import TaskType
from srt_core.importing.marks.mark import Mark, Original, say_found

READ_CHARACTERS = 2_000
OPENING_CHARACTERS = 160
"""A refusal in a set phrase stands at the beginning; later the same words may be of a letter or a story."""

_KIND = r"(?:(?:[\ -]language)?[\ -](?:model|assistant|chatbot|program|system))?"
_ENGLISH = re.compile(
    rf"""\bas\s+an?\s+(?:ai|artificial\ intelligence|(?:large\ )?language\ model){_KIND}
            (?:\s*[,.;]|\s+(?:i|my|created|developed|trained|made|without)\b)
      | \bi(?:\ am|['’]m)\ (?:just\ |only\ |simply\ |merely\ )?an?\ (?:ai|artificial\ intelligence){_KIND}\b""",
    re.VERBOSE | re.IGNORECASE,
)
_OTHERS = re.compile(
    r"""\bals\s+(?:eine?\s+)?(?:ki|künstliche\ intelligenz)(?:[\ -](?:sprach)?(?:modell|assistent\w*))?
            \s*(?:,|kann|habe|bin)
      | \bals\s+(?:ein\s+)?sprachmodell\b
      | \ben\s+tant\s+qu(?:e\s+|['’])(?:ia|intelligence\ artificielle|assistant|mod[èe]le\ de\ langage)\b
      | \bcomo\s+(?:una?\s+|uma?\s+)?(?:ia|intelig[eê]ncia\ artificial|modelo\ de\ l(?:engua(?:je)?|inguagem))\b
            \s*(?:,|de\b|no\b|não\b)
      | \bin\s+quanto\s+(?:ia|intelligenza\ artificiale|modello\ linguistico|assistente)\b
      | \bкак\s+(?:ии|искусственный\ интеллект|(?:большая\ )?языковая\ модель)\b
      | 作为(?:一[个名位款])?(?:AI|人工智能|大型)?(?:语言)?(?:模型|助手|人工智能|AI)[，,我]
      | (?:AI|人工知能|言語モデル)(?:アシスタント|言語モデル|モデル)?(?:として|ですので|なので)[、,]
      | (?:AI|인공지능)(?:\s?언어\s?모델|\s?모델|\s?어시스턴트)?(?:로서|이기\ 때문에)""",
    re.VERBOSE | re.IGNORECASE,
)
_DECLINES = re.compile(
    r"""(?:i['’]?\s?a?m\s+(?:very\s+|so\s+|really\s+)?sorry|sorry|i\s+apologi[sz]e|apologies|unfortunately)
            \s*,?\s*(?:but\s+|however,?\s+)?(?:as\s.{1,40},\s*)?
            i(?:\s+(?:cannot|can\s*not|can['’]t|am\s+(?:unable|not\s+able)\s+to|do\s+not\s+have|don['’]t\s+have|won['’]t)
               |['’]m\s+(?:unable|not\s+able)\s+to)
            \s+(?:\w+\s+)?(?:assist|help|comply|fulfil\w*|provide|generate|create|complete|answer|access|produce|engage
               |support|perform|enough|the\s+(?:ability|capability)|access)\b
      | i\s+(?:cannot|can['’]t|am\s+unable\s+to|am\s+not\s+able\s+to|won['’]t)\s+
            (?:assist\s+with|help\s+(?:you\s+)?with\s+th|comply\s+with|fulfil\w*\s+(?:this|that|your)\s+request)
      | (?:es\s+)?tut\s+mir\s+leid,?\s+(?:aber\s+)?(?:ich\s+kann|das\s+kann\s+ich)\b.{0,40}\bnicht\b
      | désolée?,?\s+(?:mais\s+)?je\s+ne\s+(?:peux|suis)\s+pas
      | lo\s+siento,?\s+(?:pero\s+)?no\s+(?:puedo|tengo)
      | (?:抱歉|对不起)，?(?:但)?我(?:无法|不能)
      | 申し訳(?:ありません|ございません)が、?.{0,30}(?:できません|お答えできません)
      | к\s+сожалению,?\s+я\s+не\s+(?:могу|имею)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SIGNS = (
    "an ai", "an artificial", "language model", "als ki", "als eine ki", "künstliche", "sprachmodell", "en tant qu",
    "como ", "in quanto", "как ", "作为", "として", "ですので", "なので", "로서", "때문에",
)  # fmt: skip
"""One of them stands in whatever _ENGLISH and _OTHERS find: quick to look for, and seldom there."""
_DECLINING_SIGNS = (
    "sorry", "apolog", "unfortunately", "i cannot", "i can't", "i can’t", "i am ", "i won", "leid", "désolé", "siento",
    "抱歉", "对不起", "申し訳", "сожалению",
)  # fmt: skip
_ON_AI = re.compile(
    r"\ba\.?i\.?\b|artificial intelligence|chatbot|robot|language model|assistant|\b(?:ki|ia|ии)\b|人工智能|人工知能"
)
_TOLD = frozenset(
    {TaskType.CREATIVE_WRITING, TaskType.REWRITING, TaskType.TRANSLATION, TaskType.CLASSIFICATION, TaskType.EXTRACTION}
)
"""Tasks whose response may hold the words of somebody else."""


def refusal(sample: Original) -> str | None:
    """Find words with which an assistant speaks of itself, or declines."""
    response = sample.pair.response[:READ_CHARACTERS]
    found = _search(response, _SIGNS, _ENGLISH, _OTHERS)
    if found and not (sample.task in _TOLD and _ON_AI.search(sample.asked)):
        return say_found(found[0], "response", found.start())
    found = _search(response[:OPENING_CHARACTERS], _DECLINING_SIGNS, _DECLINES)
    if found and sample.task not in _TOLD:
        return say_found(found[0], "response", found.start())
    return None


def _search(text: str, signs: tuple[str, ...], *patterns: re.Pattern[str]) -> re.Match[str] | None:
    """Search for patterns where one of their signs stands."""
    lowered = " ".join(text.lower().split())
    if not any(sign in lowered for sign in signs):
        return None
    return next(filter(None, (pattern.search(text) for pattern in patterns)), None)


MARKS = (
    Mark(
        "refusal",
        "Refusal, or “as an AI”",
        "The response speaks of itself as an AI, or declines in a set phrase. English and eight more languages.",
        refusal,
    ),
)
