"""Parse a teacher's reply, which is accepted or refused whole (METHOD, section 4)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from srt_core.records import Pair, Stage
from srt_core.reflect.finish import BROKEN_OFF, FILTERED, STOPPED, UNTOLD_LIMIT, is_cut
from srt_core.reflect.prompts.cleaning import CleaningRule, clean
from srt_core.reflect.prompts.headings import read_headings
from srt_core.reflect.prompts.loose_objects import read_open_quotes
from srt_core.reflect.prompts.marks import first_tag
from srt_core.reflect.prompts.objects import read_object, refuse_other_keys, unquoted
from srt_core.reflect.prompts.reasoning import only_reasoning, without_reasoning
from srt_core.reflect.prompts.remarks import refuse_remark, refuse_repetition
from srt_core.reflect.prompts.sections import CRITERIA, section_keys
from srt_core.reflect.prompts.tags import read_tags
from srt_core.reflect.prompts.texts import is_nothing, refuse_text, same_text, says_no
from srt_core.reflect.prompts.verdicts import ParsedReflection, Refusal, RefusalReason, missing

_FENCED: Final = re.compile(r"\s*```\w*[ \t]*\n(.*)\n[ \t]*```\s*", re.DOTALL)
_FENCE: Final = re.compile(r"^[ \t]*```", re.M)


def parse_reply(stage: Stage, text: str, finish_reason: str | None, parent: Pair) -> ParsedReflection | Refusal:
    """Return what a teacher's raw reply about `parent` holds: a critique and a new pair, or the reason of its refusal.

    The reply may be tagged sections, a JSON object with the same keys, or sections under headings; text around them,
    code fences and reasoning before them are ignored. An instruction reflection gives a self-contained instruction, so
    the new pair has no input; a response reflection keeps the parent's instruction and input. A revision gives all
    three, and may leave them as they are: then the pair is the parent itself.
    """
    finish = (finish_reason or "").lower()
    keys = section_keys(stage)
    whole = unquoted(_plain_lines(text))
    answer = without_reasoning(keys, whole)
    refusal = _refuse_finish(finish, is_empty=not answer.strip())
    if refusal:
        return refusal
    if answer.strip():
        return _parse(stage, answer, parent, has_stopped=finish in STOPPED)
    parsed = _parse(stage, only_reasoning(whole), parent, has_stopped=finish in STOPPED)
    if isinstance(parsed, Refusal):
        return Refusal(RefusalReason.EMPTY_REPLY, "The reply has no text outside its reasoning.")
    return replace(parsed, rules=(CleaningRule.ANSWER_IN_REASONING, *parsed.rules))


def _parse(stage: Stage, answer: str, parent: Pair, *, has_stopped: bool) -> ParsedReflection | Refusal:
    """Return what a reply without reasoning holds."""
    keys = section_keys(stage)
    sections = _read_sections(keys, answer, has_stopped=has_stopped)
    read: tuple[CleaningRule, ...] = ()
    if isinstance(sections, Refusal):
        opened = read_open_quotes(keys, answer) if sections.reason is RefusalReason.BROKEN_JSON else None
        if opened is None:
            return sections
        sections, read = opened, (CleaningRule.OPEN_QUOTES,)
    cleaned = {key: clean(text) if key.startswith("new_") else (text, ()) for key, text in sections.items()}
    texts = {key: text for key, (text, _) in cleaned.items()}
    refusal = refuse_text(texts) or _refuse_rewrites(texts, parent)
    if refusal:
        return refusal
    rules = dict.fromkeys(rule for _, found in cleaned.values() for rule in found)
    return _accept(stage, texts, parent, (*read, *rules))


def _refuse_rewrites(texts: Mapping[str, str], parent: Pair) -> Refusal | None:
    """Return the refusal of the first rewrite that speaks of itself or repeats itself, or None."""
    rewrites = ((key, text) for key, text in texts.items() if key.startswith("new_"))
    found = (refuse_remark(key, text, parent) or refuse_repetition(key, text) for key, text in rewrites)
    return next(filter(None, found), None)


def _refuse_finish(finish: str, *, is_empty: bool) -> Refusal | None:
    """Refuse a reply that is not whole by its finish reason, as the usual endpoints name it."""
    if is_cut(finish) and is_empty:
        return Refusal(
            RefusalReason.THOUGHT_ONLY,
            "The teacher used up its tokens on thinking, before it wrote a word of the reply. Allow more "
            "(--max-tokens), then ask again (--retry-failed).",
        )
    if finish.endswith(UNTOLD_LIMIT):
        return Refusal(RefusalReason.CUT_OFF, "The reply ends at the token limit, though the endpoint calls it whole.")
    if is_cut(finish):
        return Refusal(RefusalReason.CUT_OFF, "The reply was cut off at the token limit.")
    if finish in BROKEN_OFF:
        return Refusal(RefusalReason.CUT_OFF, f"The endpoint broke the reply off (finish reason {finish}).")
    if finish in FILTERED:
        return Refusal(RefusalReason.CONTENT_FILTER, "The endpoint's content filter withheld the reply.")
    if finish == "refusal":
        return Refusal(RefusalReason.DECLINED, "The endpoint says that the teacher declined.")
    return None


def _plain_lines(text: str) -> str:
    """Drop a byte order mark, and turn CRLF line ends into LF where all are CRLF."""
    text = text.removeprefix("\ufeff")
    has_windows_lines = "\r\n" in text and not re.search(r"(?<!\r)\n", text)
    return text.replace("\r\n", "\n") if has_windows_lines else text


def _read_sections(keys: tuple[str, ...], text: str, *, has_stopped: bool) -> dict[str, str] | Refusal:
    """Return the sections from a JSON object or tags, whichever comes first, else from headings."""
    sections = read_object(keys, text, first_tag(keys, text))
    if sections is None:
        sections = read_tags(keys, text)
    if sections is None:
        sections = read_headings(keys, text, has_stopped=has_stopped)
    if sections is None:
        declined = Refusal(RefusalReason.DECLINED, "The teacher declines in place of a reply.")
        return declined if says_no(text) else refuse_other_keys(text) or missing(keys[0])
    return sections if isinstance(sections, Refusal) else _without_fences(sections)


def _without_fences(sections: dict[str, str]) -> dict[str, str]:
    """Remove the code fences around the texts if all have one; a fence around only some texts belongs to them."""
    fenced = {key: _FENCED.fullmatch(text) for key, text in sections.items()}
    bodies = {key: match[1] for key, match in fenced.items() if match and not _FENCE.search(match[1])}
    return bodies if len(bodies) == len(sections) else sections


def _accept(
    stage: Stage, sections: dict[str, str], parent: Pair, rules: tuple[CleaningRule, ...]
) -> ParsedReflection | Refusal:
    """Return the accepted reflection, or a refusal where the rewrite is unchanged or only repeats the instruction."""
    if stage is Stage.REVISION:
        return _accept_revision(sections, parent, rules)
    if stage is Stage.INSTRUCTION:
        pair = Pair(sections["new_instruction"], sections["new_response"], context=parent.context)
        folded = f"{parent.instruction}\n{parent.input}"
        is_same = same_text(pair.instruction, parent.instruction) or same_text(pair.instruction, folded)
    else:
        pair = replace(parent, response=sections["new_response"])
        is_same = same_text(pair.response, parent.response)
    if is_same:
        return Refusal(RefusalReason.UNCHANGED, f"The new {stage} equals the one it was to rewrite.")
    if _repeats(pair):
        return Refusal(RefusalReason.REPEATS_INSTRUCTION, "The new response only repeats the instruction.")
    return ParsedReflection({key: sections[key] for key in CRITERIA[stage]}, pair, rules)


def _accept_revision(
    sections: dict[str, str], parent: Pair, rules: tuple[CleaningRule, ...]
) -> ParsedReflection | Refusal:
    input_ = "" if is_nothing(sections["new_input"]) else sections["new_input"]
    pair = Pair(sections["new_instruction"], sections["new_response"], input_, parent.context)
    parts = ((pair.instruction, parent.instruction), (pair.input, parent.input), (pair.response, parent.response))
    kept = [before if same_text(after, before) else after for after, before in parts]  # white space is no revision
    pair = Pair(kept[0], kept[2], kept[1], parent.context)
    if pair != parent and _repeats(pair):
        return Refusal(RefusalReason.REPEATS_INSTRUCTION, "The new response only repeats the instruction.")
    return ParsedReflection({}, pair, rules)


def _repeats(pair: Pair) -> bool:
    return same_text(pair.response, pair.instruction) or same_text(pair.response, f"{pair.instruction}\n{pair.input}")
