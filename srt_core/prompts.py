"""What the teacher is asked, and what its reply says (paper, section 3; METHOD, section 4).

A reflection prompt asks for a critique by criterion and a rewrite, one tagged section each. A reply is accepted or
refused whole: a refusal names its reason, and a refused rewrite never becomes a candidate.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final

from srt_core.errors import TemplateError
from srt_core.records import Pair, Stage

ANSWER_CRITERIA: Final = ("helpfulness", "relevance", "accuracy", "detail")
CRITERIA: Final[Mapping[Stage, tuple[str, ...]]] = {
    Stage.INSTRUCTION: (
        *("complexity", "detail_required", "knowledge_required", "ambiguity", "reasoning"),
        *ANSWER_CRITERIA,
        "why_this_response",
    ),
    Stage.RESPONSE: ANSWER_CRITERIA,
}
"""The criteria a critique covers, by stage, in the order of the reply."""

REWRITES: Final[Mapping[Stage, tuple[str, ...]]] = {
    Stage.INSTRUCTION: ("new_instruction", "new_response"),
    Stage.RESPONSE: ("new_response",),
}
"""The sections after the critique: what the stage writes anew."""

PLACEHOLDERS: Final = frozenset({"instruction", "input", "response", "criteria", "reply_format"})


def section_keys(stage: Stage) -> tuple[str, ...]:
    """Name the sections of a reply of this stage, in order: first the criteria, then the rewrites."""
    return CRITERIA[stage] + REWRITES[stage]


@dataclass(frozen=True, slots=True)
class StagePrompt:
    """The texts of one stage. `criteria` and `rewrites` map a section's key to its description, in order."""

    system: str
    request: str
    criteria: Mapping[str, str]
    rewrites: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prompts:
    """A version of the reflection prompts. `input_text` frames a pair's input in the request."""

    version: str
    input_text: str
    stages: Mapping[Stage, StagePrompt]

    @property
    def hash(self) -> str:
        """SHA-256, in hex, of all that a teacher reads; comments in the file do not count."""
        marks = (Pair("x", "y"), Pair("x", "y", "z"))
        shown = [self.messages(stage, pair) for stage in Stage for pair in marks]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()

    def messages(self, stage: Stage, pair: Pair) -> tuple[dict[str, str], ...]:
        """Write the chat messages that ask for one reflection on a pair.

        The pair's texts go in literally, whatever braces or tags they hold; the input is shown where there is one.
        """
        prompt = self.stages[stage]
        values = {
            "instruction": pair.instruction,
            "input": _fill(self.input_text, {"input": pair.input}) if pair.input.strip() else "",
            "response": pair.response,
            "criteria": "\n".join(f"- {key}: {text}" for key, text in prompt.criteria.items()),
            "reply_format": "\n".join(f"<{key}>\n{placeholder(key)}\n</{key}>" for key in section_keys(stage)),
        }
        request = _fill(prompt.request, values)
        return {"role": "system", "content": prompt.system}, {"role": "user", "content": request}

    def schema(self, stage: Stage) -> dict[str, object]:
        """Describe a reply of this stage as a JSON schema for structured output: every section a required string."""
        prompt = self.stages[stage]
        described = {**prompt.criteria, **prompt.rewrites}
        return {
            "type": "object",
            "properties": {key: {"type": "string", "description": text} for key, text in described.items()},
            "required": list(described),
            "additionalProperties": False,
        }


def placeholder(key: str) -> str:
    """Write the text that a request shows in place of a section's content; a reply must not repeat it."""
    return f"[your {key.replace('_', ' ')}]"


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Replace {name} by its value in one pass, so that a value with braces in it stays as it is."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)


def load_prompts(path: Path | None = None) -> Prompts:
    """Read reflection prompts from a TOML file, by default the ones that come with the package.

    Raises:
        TemplateError: the file is not there, is not TOML, or misses or misnames something the parser relies on.
    """
    source = files("srt_core").joinpath("data", "prompts.toml") if path is None else path
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TemplateError(
            f"The reflection prompts {source} cannot be read: {error}.", "Give a readable TOML file in UTF-8."
        ) from error
    stages = {stage: _stage_prompt(table.get(stage), stage, source.name) for stage in Stage}
    return Prompts(
        version=_text(table, "version", source.name),
        input_text=_text(table, "input", source.name, {"input"}),
        stages=stages,
    )


def _stage_prompt(table: object, stage: Stage, source: str) -> StagePrompt:
    """Check and read one stage's table."""
    if not isinstance(table, dict):
        raise _unusable(source, f"the table [{stage}] is missing")
    return StagePrompt(
        system=_text(table, "system", source, where=f"{stage}."),
        request=_text(table, "request", source, PLACEHOLDERS, where=f"{stage}."),
        criteria=_descriptions(table, "criteria", CRITERIA[stage], f"{source}, [{stage}.criteria]"),
        rewrites=_descriptions(table, "rewrites", REWRITES[stage], f"{source}, [{stage}.rewrites]"),
    )


def _text(table: Mapping[str, object], key: str, source: str, needs: Collection[str] = (), where: str = "") -> str:
    """Read a text of the file that holds exactly the placeholders it needs."""
    text = table.get(key)
    if not isinstance(text, str) or not text.strip():
        raise _unusable(source, f"the text {where}{key} is missing or empty")
    found = set(re.findall(r"\{(\w+)\}", text))
    if found != set(needs):
        odd = ", ".join("{" + name + "}" for name in sorted(found.symmetric_difference(needs)))
        raise _unusable(source, f"the text {where}{key} misses or misnames {odd}")
    return text


def _descriptions(table: Mapping[str, object], name: str, keys: tuple[str, ...], where: str) -> dict[str, str]:
    """Read the descriptions of the sections, which must be the known ones in the known order."""
    found = table.get(name)
    if not isinstance(found, dict) or tuple(found) != keys:
        raise _unusable(where, f"the keys must be, in this order: {', '.join(keys)}")
    return {key: _text(found, key, where) for key in keys}


def _unusable(source: str, problem: str) -> TemplateError:
    return TemplateError(
        f"The reflection prompts in {source} cannot be used: {problem}.", "Compare with srt_core/data/prompts.toml."
    )


class RefusalReason(StrEnum):
    """Why a reply is refused; the list is closed."""

    CUT_OFF = "cut_off"
    """The reply ended at the token limit (finish reason `length`)."""
    CONTENT_FILTER = "content_filter"
    """The endpoint withheld the reply."""
    EMPTY_REPLY = "empty_reply"
    """Nothing is left once reasoning is dropped."""
    MISSING_SECTION = "missing_section"
    """A section asked for is not there, is not closed, or is not text."""
    EMPTY_SECTION = "empty_section"
    """A section has no text."""
    PLACEHOLDER_ECHO = "placeholder_echo"
    """A section repeats a placeholder of the prompt in place of text."""
    UNCHANGED = "unchanged"
    """The rewrite equals what it was to rewrite."""
    AMBIGUOUS_SECTIONS = "ambiguous_sections"
    """The tags can be read in more than one way, or in an order that was not asked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that is refused whole. `detail` is a sentence for the curator."""

    reason: RefusalReason
    detail: str


@dataclass(frozen=True, slots=True)
class ParsedReflection:
    """A reply that is accepted: the critique by criterion, in order, and the new pair."""

    critique: dict[str, str]
    pair: Pair


def parse_reply(stage: Stage, text: str, finish_reason: str, parent: Pair) -> ParsedReflection | Refusal:
    """Read a teacher's raw reply about `parent`: a critique and a new pair, or the reason why it is refused whole.

    Tagged sections and JSON objects with the same keys are read; words before and after them, code fences and a
    reasoning block before them are left aside. The instruction stage brings an instruction that stands alone, so the
    new pair has no input; the response stage keeps the parent's instruction and input.
    """
    if finish_reason == "length":
        return Refusal(RefusalReason.CUT_OFF, "The reply was cut off at the token limit.")
    if finish_reason == "content_filter":
        return Refusal(RefusalReason.CONTENT_FILTER, "The endpoint's content filter withheld the reply.")
    answer = _without_reasoning(text)
    if not answer.strip():
        return Refusal(RefusalReason.EMPTY_REPLY, "The reply has no text.")
    sections = _read_sections(section_keys(stage), answer)
    if isinstance(sections, Refusal):
        return sections
    return _refuse_text(sections) or _accept(stage, sections, parent)


def _accept(stage: Stage, sections: dict[str, str], parent: Pair) -> ParsedReflection | Refusal:
    """Build the new pair, unless what the stage rewrites came back as it was."""
    if stage is Stage.INSTRUCTION:
        pair = Pair(sections["new_instruction"], sections["new_response"])
        is_same = pair.instruction.strip() == parent.instruction.strip()
    else:
        pair = Pair(parent.instruction, sections["new_response"], parent.input)
        is_same = pair.response.strip() == parent.response.strip()
    if is_same:
        return Refusal(RefusalReason.UNCHANGED, f"The new {stage} equals the one it was to rewrite.")
    return ParsedReflection({key: sections[key] for key in CRITERIA[stage]}, pair)


def _without_reasoning(text: str) -> str:
    """Drop a <think> block before the answer. Some servers send only its end; one that never ends holds no answer."""
    opened = re.match(r"\s*<(think|thinking)>", text)
    if opened:
        return text.partition(f"</{opened[1]}>")[2]
    reasoning, end, answer = text.partition("</think>")
    return answer if end and not re.search(r"^[ \t]*(?:<[a-z_]+>|\{)", reasoning, re.M) else text


def _refuse_text(sections: Mapping[str, str]) -> Refusal | None:
    """Find the first section with no text, or with a placeholder in place of text."""
    for key, text in sections.items():
        if not text.strip():
            return Refusal(RefusalReason.EMPTY_SECTION, f"The section {key} is empty.")
        if _is_placeholder(text):
            return Refusal(RefusalReason.PLACEHOLDER_ECHO, f"The section {key} is only a placeholder: {text.strip()}")
    return None


_BRACKETED = re.compile(r"[\[<{(]+([^\[\]<>{}()]{1,100})[\]>})]+")
_BLANK_TO_FILL = re.compile(
    r"\b(?:your|insert|new (?:instruction|response|answer)|(?:instruction|response|answer|text) (?:goes )?here)\b"
)


def _is_placeholder(text: str) -> bool:
    """Whether a whole section is only dots, or brackets around words such as `your new instruction here`."""
    bare = text.strip().lower().replace("_", " ")
    bracketed = _BRACKETED.fullmatch(bare)
    words = bracketed[1] if bracketed else bare
    return not words.strip(" .\u2026") or bool(bracketed and _BLANK_TO_FILL.search(words))


def _read_sections(keys: tuple[str, ...], text: str) -> dict[str, str] | Refusal:
    """Read the sections by key from whichever comes first, a JSON object or a tag of ours at the start of a line."""
    first = re.search(rf"^[ \t]*(\{{|<(?:{'|'.join(keys)})>)", text, re.M)
    if first and first[1] == "{":
        sections = _json_sections(keys, text[first.start(1) :])
        if sections is not None:
            return sections
    return _tagged_sections(keys, text)


def _json_sections(keys: tuple[str, ...], text: str) -> dict[str, str] | Refusal | None:
    """Read the sections from the JSON object that the text starts with; None where it is no such object."""
    try:
        # Objects arrive as tuples of pairs, so that a key given twice is seen; line breaks in strings are let pass.
        pairs, end = json.JSONDecoder(object_pairs_hook=tuple, strict=False).raw_decode(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    found = dict(pairs)
    if not found.keys() & set(keys):
        return None
    if len(found) < len(pairs) or f'"{keys[-1]}"' in text[end:]:
        return Refusal(RefusalReason.AMBIGUOUS_SECTIONS, "The JSON reply gives sections more than once.")
    for key in keys:
        if not _is_text(found.get(key)):
            return Refusal(RefusalReason.MISSING_SECTION, f"The section {key} is missing, or is not text.")
    return {key: "\n".join(_without_blank_ends(found[key].split("\n"))) for key in keys}


def _is_text(value: object) -> bool:
    """Whether a JSON value is a string that UTF-8 can hold: half a surrogate pair cannot be stored."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _tagged_sections(keys: tuple[str, ...], text: str) -> dict[str, str] | Refusal:
    """Read the sections from tags, if there is exactly one way to."""
    for key in keys:
        if not re.search(rf"(?:^|</\w+>)[ \t]*<{key}>", text, re.M):
            return Refusal(RefusalReason.MISSING_SECTION, f"The section {key} is missing.")
        if f"</{key}>" not in text:
            return Refusal(RefusalReason.MISSING_SECTION, f"The section {key} is not closed.")
    spans = [_openings(keys, text), *(_boundaries(keys, *two, text) for two in pairwise(keys))]
    spans.append(_closings(keys, text, max((span.end() for span in spans[-1]), default=0)))
    cuts = [position for found in spans for span in found[:1] for position in span.span()]
    if any(len(found) != 1 for found in spans) or cuts != sorted(cuts):
        return Refusal(
            RefusalReason.AMBIGUOUS_SECTIONS, "The sections' tags can be read in several ways or stand out of order."
        )
    bodies = (text[start:end] for start, end in zip(cuts[1::2], cuts[2::2], strict=False))
    return {key: _trim(body) for key, body in zip(keys, bodies, strict=True)}


def _openings(keys: tuple[str, ...], text: str) -> list[re.Match[str]]:
    """Find where the first section can open: line starts before the second one's first."""
    following = re.search(rf"^[ \t]*<{keys[1]}>", text, re.M)
    end = following.start() if following else len(text)
    return list(re.compile(rf"^[ \t]*<{keys[0]}>", re.M).finditer(text, 0, end))


def _boundaries(keys: tuple[str, ...], before: str, after: str, text: str) -> list[re.Match[str]]:
    """Find where one section can end and the next begin: a closing tag, then the next opening tag.

    A tag that a section's own text mentions is told from the real one by its surroundings: first only white space
    with a line break is looked for between the two tags, then any white space, then words without a tag of ours.
    """
    tags = "|".join(keys)
    gaps = (r"[^\S\n]*\n\s*", r"\s*", rf"(?:(?!</?(?:{tags})>)[^\n])*\n(?:(?!</?(?:{tags})>).)*?(?<=\n)[ \t]*")
    found = (list(re.finditer(rf"</{before}>{gap}<{after}>", text, re.DOTALL)) for gap in gaps)
    return next(filter(None, found), [])


def _closings(keys: tuple[str, ...], text: str, start: int) -> list[re.Match[str]]:
    """Find where the last section can close: on a line of its own or at the end; else at any closing tag.

    A section that opens after that makes a second reply: then there is more than one way to read it.
    """
    close = f"</{keys[-1]}>"
    alone = re.compile(rf"^[ \t]*{close}(?=[ \t\r]*$)|{close}(?=\s*(?:```\s*)?\Z)", re.M)
    found = list(alone.finditer(text, start)) or list(re.compile(close).finditer(text, start))
    again = re.compile(rf"^[ \t]*<(?:{'|'.join(keys)})>", re.M).search(text, found[-1].end()) if found else None
    return [*found, again] if again else found


def _trim(body: str) -> str:
    """Take blank lines off both ends, and the spaces between the text and a tag on the text's own line."""
    lines = body.split("\n")
    lines[0] = lines[0].lstrip()
    lines[-1] = lines[-1].rstrip()
    return "\n".join(_without_blank_ends(lines))


def _without_blank_ends(lines: list[str]) -> list[str]:
    """Take the blank lines off both ends."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1] if full else []
