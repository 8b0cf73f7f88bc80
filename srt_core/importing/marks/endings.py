"""The mark of a response that ends in mid-sentence.

Many good responses end without a full stop: a title, a list, a table, code, an address, a script that has none. So a
response is marked only on evidence of its own: a word that no sentence ends with, a comma or a colon with nothing after
it, an open code block, or a last sentence without the full stop that the sentences before it have.
"""

import re

from srt_core.importing.kinds import TaskType
from srt_core.importing.marks.mark import Mark, Original, quote

LEAST_WORDS = 6
"""A last line with fewer may be a title, a name, a signature or an item."""
LEAST_ENDED = 2
"""Lines before the last one that have to end as sentences do, where the last one is a line by itself."""
SHOWN_WORDS, SHOWN_CHARACTERS = 6, 40

_ENDS = ".!?…。！？｡．؟۔।॥։።។៕〜~"
_CLOSERS = "\"'”’»›」』）)]}】》*_`"
_OPEN_WORDS = frozenset(
    """and or but nor the an of with because although which whose into onto than their its your our my
    und oder der die das ein eine et ou le la les un une des el los las una il lo""".split()  # noqa: SIM905
)
"""Words that no sentence ends with, in a few languages; "as", "for", "to", "in" can, and "a" as a letter."""
_INNER_END = re.compile(
    r"\w\w(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bvs)(?<!\bNo)(?<!\bMrs)(?<!\bInc)(?<!\betc)(?<!\bProf)"
    r"[.!?…][\"'”’)\]]*\s+[^\W\d_]|[。！？｡．]\S|[؟۔।॥]\s"
)
"""The end of a sentence within a line: no initial, and no common abbreviation."""
_ITEM = re.compile(r"\s*(?:[-*•·–—+>#|]|\(?(?:\d{1,3}|[ivxlc]{1,6})[.):]|\(?[a-zA-Z][.)]\s|step \d)", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NO_FULL_STOP = re.compile(r"[\u0e00-\u0fff]\s*\Z")
"""Thai, Lao and Tibetan end a sentence with a space, or with nothing."""
_OF_ADDRESSES = ("://", "www.", "@", "#")
"""What the last word holds where it is a link, an e-mail address or a hashtag."""
_CODE_LINE = re.compile(
    r"[;{}=<>\\]|\w\(|\)\s*:?\Z|^\s{4,}\S|^\s*(?:return|def|class|import|for|if|else|elif|SELECT)\b"
)
_VERSE = (TaskType.CREATIVE_WRITING, TaskType.CODE, TaskType.MATHEMATICS)
"""Tasks whose lines need no full stop."""


def unfinished(sample: Original) -> str | None:
    """Say how a response breaks off, if it does."""
    text = sample.pair.response.rstrip()
    if not text:
        return None
    if _has_open_block(text):
        return "the response ends in a code block that is not closed"
    if text.startswith("<think") and "</think" not in text:
        return "the response ends in a thinking block that is not closed"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1]
    if _ends_otherwise(last, sample.task):
        return None
    words = _WORD.findall(last)
    if len(words) + len(_DENSE.findall(last)) // 2 < LEAST_WORDS:
        return None
    if _breaks_off(last, words) or _lacks_its_stop(lines, sample.task):
        return f"the response ends with {quote(_tail(last))}"
    return None


def _has_open_block(text: str) -> bool:
    return "```" in text and sum(line.lstrip().startswith("```") for line in text.splitlines()) % 2 == 1


def _ends_otherwise(last: str, task: TaskType) -> bool:
    """Whether the last line ends as sentences do, or is none: a table, code, an address, a formula, an emoji."""
    final = last[-1]
    if final in _ENDS or final in _CLOSERS or "|" in last or _NO_FULL_STOP.search(last):
        return True
    if not (final.isalpha() or final in ",、，;:：-–"):
        return True
    if any(sign in last.rsplit(maxsplit=1)[-1] for sign in _OF_ADDRESSES):
        return True
    return task is TaskType.CODE and bool(_CODE_LINE.search(last))


def _breaks_off(last: str, words: list[str]) -> bool:
    """Whether the line ends with a comma or a colon, or with a word that no sentence ends with."""
    if last[-1] in ",、，:：":
        return not _ITEM.match(last)  # an item may be a field of a form
    return bool(words) and last.endswith(words[-1]) and words[-1] in _OPEN_WORDS


def _lacks_its_stop(lines: list[str], task: TaskType) -> bool:
    """Whether the sentences before the last one end with full stops, and it does not."""
    last, before = lines[-1], lines[:-1]
    if last[-1] in ";:：-–":
        return False
    if _ITEM.match(last):
        items = [line for line in before if _ITEM.match(line)]
        return len(items) > LEAST_ENDED and all(line[-1] in _ENDS for line in items)
    if _INNER_END.search(last):
        return True
    plain = [line for line in before if not _ITEM.match(line)]
    return task not in _VERSE and len(plain) >= LEAST_ENDED and all(line[-1] in _ENDS for line in plain)


def _tail(line: str) -> str:
    return " ".join(line.split()[-SHOWN_WORDS:])[-SHOWN_CHARACTERS:]


MARKS = (
    Mark(
        "unfinished",
        "Unfinished response",
        "The response breaks off in mid-sentence, or in a code or thinking block that is not closed.",
        unfinished,
    ),
)
