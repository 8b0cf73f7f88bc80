"""What is taken out of a rewrite before it is judged: each rule has a name, which is stored with the reflection."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final


class CleaningRule(StrEnum):
    """What was done to an accepted reply; the list is closed."""

    LINE_BREAKS = "line_breaks"
    """Its line breaks were written as backslash and n."""
    END_TOKEN = "end_token"
    """A special token of the model stood behind its last sentence."""
    OPEN_QUOTES = "open_quotes"
    """Quotation marks within its texts were not escaped."""
    ANSWER_IN_REASONING = "answer_in_reasoning"
    """The server sent the whole answer as reasoning."""


CLEANED: Final[Mapping[CleaningRule, str]] = {
    CleaningRule.LINE_BREAKS: "Its line breaks were written as backslash and n, and were put right.",
    CleaningRule.END_TOKEN: "A special token of the model stood at the end of a text, and was taken off.",
    CleaningRule.OPEN_QUOTES: "Quotation marks within its texts were not escaped, and could be read in one way alone.",
    CleaningRule.ANSWER_IN_REASONING: "All of the reply stood in its reasoning, and was read from there.",
}
"""What each rule did, as a sentence for the curator."""


def clean(text: str) -> tuple[str, tuple[CleaningRule, ...]]:
    """Return a text as it was meant, and the rules that changed it."""
    rules = []
    for rule, mend in _RULES.items():
        mended = mend(text)
        if mended != text:
            rules.append(rule)
            text = mended
    return text, tuple(rules)


# A break between two lines: it follows a word or a sentence at once, and what follows it begins a line. So neither
# `\n` as a subject, nor a path, nor TeX (`a\neq b`) is one.
_BREAK: Final = re.compile(
    r"(?<=[^\s\\])(?:\\r)?\\n(?=(?:\\r)?\\n|[A-Z\d*#>|`\u2022\u3040-\u9fff\uac00-\ud7a3-]|[ \t]*\\n|[ \t]+[-*\d]|\Z)|"
    r"(?<=[.!?;,])(?:\\r)?\\n(?=[a-z])|(?<=\\n)(?:\\r)?\\n"
)
_ANY_BREAK: Final = re.compile(r"(?:\\r)?\\n")
_QUOTED: Final = re.compile(r'"[^"]*\\n[^"]*"|`[^`]*\\n[^`]*`|(?<!\w)\'[^\'\s][^\']{0,80}\\n[^\']{0,80}\'')


def _with_line_breaks(text: str) -> str:
    """Write escaped line breaks as breaks where a text has no others, and several that are plainly breaks."""
    if "\n" in text or "\\n" not in text:
        return text
    breaks = len(_ANY_BREAK.findall(text))
    if breaks < 2 or breaks != len(_BREAK.findall(text)) or _QUOTED.search(text):
        return text
    return _ANY_BREAK.sub("\n", text).replace('\\"', '"').replace("\\t", "\t")


_END_TOKEN: Final = re.compile(
    r"(?<=[.!?:;)\]}\"'`\u3002\uff01\uff1f\n])[ \t]*(?:<\|[\w ]{1,40}\|>|<end_of_turn>|<eos>|</s>)\s*\Z", re.I
)

_RULES: Final[Mapping[CleaningRule, Callable[[str], str]]] = {
    CleaningRule.LINE_BREAKS: _with_line_breaks,
    CleaningRule.END_TOKEN: lambda text: _END_TOKEN.sub("", text),
}
