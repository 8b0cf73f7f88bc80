"""Check the text of a section: it must not be empty, a placeholder, a remark about itself, or broken."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from srt_core.records import Stage
from srt_core.reflect.prompts.reasoning import OPENING
from srt_core.reflect.prompts.sections import MAY_BE_EMPTY, REWRITE_SECTIONS, loose_name, placeholder
from srt_core.reflect.prompts.verdicts import Refusal, RefusalReason, missing, stray

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_BROKEN: Final = re.compile("[\ud800-\udfff\0]")
_LONGEST_REMARK: Final = 200


def refuse_text(sections: Mapping[str, str]) -> Refusal | None:
    """Return the refusal of the first section whose text cannot be used, or None."""
    for key, text in sections.items():
        if key in MAY_BE_EMPTY and is_nothing(text):
            continue
        is_rewrite = key in REWRITE_SECTIONS[Stage.REVISION]
        refusal = _refuse_any(key, text, is_rewrite=is_rewrite) or (_refuse_rewrite(key, text) if is_rewrite else None)
        if refusal:
            return refusal
    return None


def says_no(answer: str) -> bool:
    """Return whether a reply without sections begins by declining the task."""
    return bool(_DECLINES.match(_plain(answer[:400])))


def is_nothing(text: str) -> bool:
    """Return whether a text is empty, or says that there is none, such as `N/A`."""
    bare = _plain(text)
    return not bare or bool(_NOTHING.fullmatch(bare) or _NONE.fullmatch(bare))


def is_end_marker(line: str) -> bool:
    """Return whether a line only marks the end of the text, such as `[End]`; a story's `THE END` is text."""
    return bool(_END_MARKER.fullmatch(line.strip()))


def same_text(one: str, other: str) -> bool:
    """Return whether two texts are equal but for white space, case, quotation marks around them and a full stop."""
    return _core(one) == _core(other)


def _visible(text: str) -> str:
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _core(text: str) -> str:
    return " ".join(_visible(text).split()).casefold().strip(" .\u3002\"'`*\u201c\u201d")


def _plain(text: str) -> str:
    return _visible(text).replace("\u2019", "'").strip().lower()


def _refuse_any(key: str, text: str, *, is_rewrite: bool) -> Refusal | None:
    if _BROKEN.search(text) or (is_rewrite and "\ufffd" in text):
        return missing(key, "is not text: it holds characters that are broken")
    bare = _plain(text)
    if not bare or _NOTHING.fullmatch(bare) or (is_rewrite and _NONE.fullmatch(bare)):
        return Refusal(RefusalReason.EMPTY_SECTION, f"The section {key} is empty.")
    if _is_placeholder(key, bare):
        return Refusal(RefusalReason.PLACEHOLDER_ECHO, f"The section {key} holds a placeholder: {bare[:100]}.")
    return None


_NOTHING: Final = re.compile(r"[\[(<*_`]*n\.?\s?/\s?a\.?[\])>*_`]*\.?|[\[(<]?not applicable[\])>]?\.?")
_NONE: Final = re.compile(r"[\[(<]?(?:none|null|nil|empty|blank|nothing|-+|\u2014|\u2013|_+)[\])>]?\.?|```\w*\s*```")


def _refuse_rewrite(key: str, text: str) -> Refusal | None:
    bare = _plain(text)
    is_short = len(bare) <= _LONGEST_REMARK
    if is_short and _DECLINES_THIS.match(bare):
        return Refusal(RefusalReason.DECLINED, f"In place of the {key.replace('_', ' ')} the teacher declines.")
    if is_short and _META.fullmatch(bare.strip("()[]*_")):
        return Refusal(RefusalReason.META_REMARK, f"The section {key} is only a remark: {bare.strip('.:!')}.")
    if OPENING.match(text):
        return stray(key, "begins with a reasoning block")
    if is_end_marker(text.rstrip().rpartition("\n")[2]) or _TOKEN.search(text.rstrip()):
        return stray(key, "ends in an end marker")
    if text.startswith((":\n", ": ", "<![CDATA[")):
        return stray(key, f"begins with {text[:9].split(maxsplit=1)[0]}")
    if _has_own_label(key, text):
        return stray(key, "has its own tag or heading in its text")
    if "\n" not in text and _ESCAPED_BREAK.search(text):
        return stray(key, "has its line breaks written as backslash and n")
    return None


_BRACKETED: Final = re.compile(r"[*_`\"]*[\[<{(]+([^\[\]<>{}()\n]{1,100})[\]>})]+[*_`\"]*\.?")
_BLANK_TO_FILL: Final = re.compile(
    r"\b(?:your|insert|placeholder|new (?:instruction|response|answer)|"
    r"(?:instruction|response|answer|text|critique|content) (?:goes )?here)\b"
)
_UNBRACKETED: Final = re.compile(
    r"(?:insert |write |put |enter )?(?:your|the) (?:own )?(?:new |improved |better )?"
    r"(?:instruction|response|answer|text)(?: (?:goes )?here)?|(?:text|content|response|answer|instruction) goes here|"
    r"the (?:better|correct|detailed|new) (?:response|answer) to the (?:same|new) instruction\b.{0,60}|"
    r"new (?:instruction|response)|string|todo|tbd|lorem ipsum.{0,80}|placeholder|_{2,}"
)


def _is_placeholder(key: str, bare: str) -> bool:
    """Return whether a text is only dots, a blank to fill such as `[your new instruction here]`, or has a placeholder.

    `bare` is the text in lower case.
    """
    own = placeholder(key)
    if own in bare and any(line.strip() == own for line in bare.split("\n")):
        return True
    words = bare.replace("_", " ")
    bracketed = _BRACKETED.fullmatch(words)
    inner = bracketed[1] if bracketed else words
    if not inner.strip(" .\u2026"):
        return True
    if bracketed:
        return bool(_BLANK_TO_FILL.search(inner)) or inner.strip() == key.replace("_", " ")
    return bool(_UNBRACKETED.fullmatch(bare.strip(" .:*`\"'\u2026"))) or bare == own[1:-1]


def _has_own_label(key: str, text: str) -> bool:
    """Return whether a text still has its own tag around it, or its own heading above it."""
    begins, ends = _labels(key)
    return bool(begins.match(text)) or bool(ends.search(text.rstrip()))


@cache
def _labels(key: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    name = loose_name(key)
    heading = rf"[ \t]*(?:#{{1,6}}[ \t]*{name}:?|(\*\*|__)?{name}:?(?(1)\1):?)[ \t]*(?:\n|\Z)"
    return re.compile(rf"\s*<{name}>|{heading}", re.I), re.compile(rf"</{name}>\Z", re.I)


_END_MARKER: Final = re.compile(
    r"[*_#=\- ]*[\[(<{]+\s*/?end(?: of [\w ]{1,40})?\s*[\])>}]+[*_#=\- ]*|"
    r"[\[(<{*_#=\- ]*end of (?:the )?(?:new |improved )?(?:response|instruction|answer|reply|output|text)"
    r"[\])>}*_#=\- ]*\.?",
    re.I,
)
_TOKEN: Final = re.compile(r"(?:<\|[\w ]{1,40}\|>|<end_of_turn>|<eos>|</s>)\Z", re.I)

_REWRITE: Final = "(?:instruction|response|answer|version|rewrite|pair)"
_META: Final = re.compile(
    rf"""(?:
        (?:the[ ])?(?:same|identical)[ ](?:as|to)[ ](?:the[ ])?(?:above|before|original|previous|given)
          (?:[ ]{_REWRITE})?
        | (?:the[ ]{_REWRITE}[ ])?(?:is[ ]|stays[ ]|remains[ ])?(?:unchanged|left[ ]as[ ]it[ ]is)
        | (?:please[ ])?(?:see|as|refer[ ]to)[ ](?:the[ ])?(?:above|below|before|previous|original)[\w ]{{0,40}}
        | (?:sure[,.!]?[ ]|certainly[,.!]?[ ])?(?:here(?:'s|[ ]is)|this[ ]is|below[ ]is)[ ](?:the|a|an|my|your)[ ]
          (?:new|improved|better|revised|rewritten|updated)\b[\w ]{{0,40}}{_REWRITE}\b[\w ]{{0,40}}
        | no[ ](?:changes?|improvements?|rewrite|rewriting|new[ ]{_REWRITE})
          (?:[ ](?:is|are|was|were))?(?:[ ](?:needed|necessary|required|possible))?
        | the[ ](?:original|existing|given|current)[ ]{_REWRITE}[ ](?:is|was)[ ](?:already[ ])?
          (?:good|correct|complete|fine|adequate|perfect|sufficient|excellent|clear)\b[^.\n]{{0,80}}
        | (?:the[ ])?(?:new|improved|revised|rewritten)[ ]{_REWRITE}[ ](?:is|was|has[ ]been|goes)[\w ]{{0,30}}
          (?:above|below|here|given|provided|written)[\w ]{{0,20}}
    )[.:!]?""",
    re.VERBOSE,
)

_ESCAPED_BREAK: Final = re.compile(r"[^'\"`\\]\\n\\n(?!['\"`])")

_NOT: Final = r"""(?:
    (?:i|we)[ ](?:can't|cannot|can[ ]not|won't|will[ ]not|am[ ]unable|am[ ]not[ ]able|must[ ]decline|have[ ]to[ ]decline
                 |am[ ]not[ ]comfortable|do[ ]not[ ]feel[ ]comfortable|don't[ ]feel[ ]comfortable)
    | i'm[ ](?:unable|not[ ]able|not[ ]comfortable)
)(?:[ ]to)?\s+"""
_APOLOGY: Final = r"""[\W_]*
    (?:(?:i'm|i[ ]am)?[ ]?(?:really[ ]|very[ ]|so[ ]|truly[ ]|deeply[ ])?sorry
      | i[ ]apologi[sz]e | unfortunately | my[ ]apologies | as[ ]an[ ]ai[^.,\n]{0,60})?
    [\s,;:.!\u2014\u2013-]*(?:but[ ]|that[ ])?"""
_DECLINES: Final = re.compile(
    rf"""{_APOLOGY}{_NOT}(?:help|assist|comply|provide|do|fulfil|answer|complet|creat|writ|generat|respond|continue|engage
        |process|rewrit|reflect|discuss|participat|support|judg|rat|with)""",
    re.VERBOSE,
)
_DECLINES_THIS: Final = re.compile(
    rf"""{_APOLOGY}{_NOT}(?:
        (?:help|assist)(?:[ ]you)?(?:[ ]with[ ](?:that|this|it|your|the[ ]request)|[.!]|\Z)
        | (?:fulfill?|complete|comply[ ]with|process|answer|respond[ ]to|continue[ ]with|do)[ ]
          (?:(?:this|that|your|the)[ ](?:request|question|instruction|task|conversation)|(?:that|this|it)[.!]?\Z)
    )""",
    re.VERBOSE,
)
