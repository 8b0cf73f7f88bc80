"""Find rewrites that speak about themselves or the text that they replace, and those that repeat one sentence."""

import re
from collections import Counter
from typing import Final

from srt_core.records import Pair
from srt_core.reflect.prompts.verdicts import Refusal, RefusalReason

_REWRITE: Final = "(?:instruction|response|answer|reply|question|prompt)"
_BETTER: Final = (
    "(?:new|newer|improved|better|enhanced|revised|rewritten|reworked|updated|refined|polished|corrected|expanded|"
    "more[ ](?:detailed|complete|helpful|thorough|comprehensive))"
)
_PREFACE: Final = re.compile(
    rf"""[\W_]*
    (?:(?:sure(?:[ ]thing)?|certainly|of[ ]course|absolutely|okay|ok|great|yes|no[ ]problem)\b[,.!:\s-]*)?
    (?:(?:here|below)(?:'s|[ ]is|[ ]you[ ](?:go|are))|this[ ]is)[\s:,.!-]*
    (?:(?:the|a|an|my|your)[ ])?(?:\w+[ ,][ ]?){{0,2}}{_BETTER}[ ](?:and[ ]\w+[ ])?
    (?:{_REWRITE}|version[ ]of[ ](?:the|your)[ ](?:original[ ])?{_REWRITE})\b
    | [\W_]*{_BETTER}[ ](?:{_REWRITE}|version[ ]of[ ]the[ ]{_REWRITE})[*_]{{0,2}}:
    | [\W_]*(?:当然|好的|没问题)?[，。！,.!\s]*(?:以下|下面|这|如下)(?:就)?是?(?:一个)?
      (?:改进|优化|修改|改写|润色|完善|更新|新)(?:后|过|版)?的?(?:回答|回复|答案|答复|指令|问题|版本)
    """,
    re.VERBOSE,
)
_ORIGINAL: Final = re.compile(
    r"(?:the|your) (?:original answer|(?:original|previous|earlier|initial|given|existing) "
    r"(?:response|reply|instruction))\b|"
    rf"this {_BETTER} (?:{_REWRITE}|version)\b|(?:原|先前|之前)(?:始|来|本|有)?的?(?:回答|回复|答案|答复|指令)"
)
_VERDICT_AFTER: Final = re.compile(
    r" (?:was|is|had|has|lack(?:s|ed)?|does|did|do|gave|gives|could|can|should|needs?|only|fail(?:s|ed)?|provide[sd]?|"
    r"misse[sd]|omit(?:s|ted)|contain(?:s|ed)|mention(?:s|ed)|offer(?:s|ed)|leaves|left|adds?|includes|now|explains|"
    r"addresses)\b|过于|太|没有|缺|不够|只|仅|存在"
)
_VERDICT_BEFORE: Final = re.compile(
    r"\b(?:improv\w+|expand\w+|build\w*|better|elaborat\w+|compared|unlike|contrast|than|revis\w+|version)\b"
    r"[^.\n]{0,30} \Z"
)
_NEAR: Final = 60
_SENTENCE_ENDS: Final = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+")
_FEWEST_REPEATS: Final = 8
_SHORTEST_SENTENCE: Final = 8


def refuse_remark(key: str, text: str, parent: Pair) -> Refusal | None:
    """Refuse a rewrite that begins with words about itself, or speaks of the text that it is to replace.

    What the pair itself speaks of is its subject: a text about original responses may go on about them.
    """
    bare = text.replace("\u2019", "'").strip().lower()
    if _PREFACE.match(bare):
        return Refusal(RefusalReason.META_REMARK, f"The section {key} begins with a remark about itself.")
    found = _talk(bare)
    if found and not _talk(f"{parent.instruction}\n{parent.input}\n{parent.response}".lower()):
        return Refusal(RefusalReason.META_REMARK, f"The section {key} speaks of the text that it replaces: {found}.")
    return None


def _talk(text: str) -> str:
    """Return the words of a text that pass a verdict on what it replaces, or on itself; "" where none do."""
    for match in _ORIGINAL.finditer(text):
        is_judged = _VERDICT_AFTER.match(text, match.end())
        if is_judged or _VERDICT_BEFORE.search(text[max(match.start() - _NEAR, 0) : match.start()]):
            return match[0]
    return ""


def refuse_repetition(key: str, text: str) -> Refusal | None:
    """Refuse a text of which at least half is one sentence over and over, as a model writes that fell into a loop."""
    sentences = [part.strip() for part in _SENTENCE_ENDS.split(text)]
    counted = Counter(part for part in sentences if len(part) >= _SHORTEST_SENTENCE)
    if not counted:
        return None
    # Weighed by length, so that neither short labels nor a few long paragraphs decide.
    sentence, times = max(counted.items(), key=lambda each: (each[1] - 1) * len(each[0]))
    if times < _FEWEST_REPEATS or times * len(sentence) * 2 < len(text):
        return _refuse_cycle(key, counted, len(text))
    return Refusal(
        RefusalReason.REPETITION, f"The section {key} repeats a sentence {times:,} times: {sentence[:80]!r}."
    )


def _refuse_cycle(key: str, counted: Counter[str], length: int) -> Refusal | None:
    """Refuse a text that goes round several sentences: most of it is what each of them says again."""
    again = {sentence: times for sentence, times in counted.items() if times >= _FEWEST_REPEATS}
    if sum(len(sentence) * times for sentence, times in again.items()) * 4 < length * 3:
        return None
    return Refusal(RefusalReason.REPETITION, f"The section {key} repeats {len(again)} sentences again and again.")
