"""The prompts file, and the messages that it makes of a pair (paper, section 3; METHOD, section 4)."""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from srt_core.errors import TemplateError
from srt_core.records import REFLECTIONS, Context, Pair, Stage
from srt_core.reflect.prompts.sections import CRITERIA, REWRITE_SECTIONS, placeholder, section_keys

PLACEHOLDERS: Final = frozenset({"instruction", "input", "response", "criteria", "reply_format"})


class ReplyFormat(StrEnum):
    """The form in which a reply is asked for. The parser reads either, whichever was asked for."""

    SECTIONS = "sections"
    """Tagged sections: any model can write them."""
    JSON = "json"
    """One JSON object: for endpoints with structured output."""


@dataclass(frozen=True, slots=True)
class StagePrompt:
    """The texts of one stage. `criteria` and `rewrites` map a section's key to its description, in order."""

    system: str
    request: str
    criteria: Mapping[str, str]
    rewrites: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prompts:
    """A version of the reflection prompts.

    `input_text` introduces a pair's input in the request and `context_text` its context, `formats` asks for a form of
    reply, `correction_text` reports that an earlier reply was refused. `source` is the whole text of the file, which
    `parse_prompts` reads again.
    """

    version: str
    input_text: str
    context_text: str
    formats: Mapping[ReplyFormat, str]
    correction_text: str
    stages: Mapping[Stage, StagePrompt]
    source: str

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of everything that a teacher may read, in any form; comments in the file do not count.

        The usual text for contexts does not count either, so that prompts keep the hash that they had without it.
        """
        marks = [Pair("x", "y"), Pair("x", "y", "z")]
        if self.context_text != _usual_context_text():
            marks.append(Pair("x", "y", context=Context("c")))
        shown = [
            self.messages(stage, pair, reply_format, correction=correction)
            for stage in REFLECTIONS
            for pair in marks
            for reply_format in ReplyFormat
            for correction in ("", "c")
        ]
        schemas = [self.response_format(stage) for stage in REFLECTIONS]
        return hashlib.sha256(json.dumps([shown, schemas]).encode()).hexdigest()

    def messages(
        self,
        stage: Stage,
        pair: Pair,
        reply_format: ReplyFormat = ReplyFormat.SECTIONS,
        *,
        correction: str = "",
    ) -> tuple[dict[str, str], ...]:
        """Return the system and user message that ask for one reflection on a pair.

        The texts of the pair and of its context are inserted literally, whatever braces or tags they hold. The context
        stands before the request. A `correction` says why an earlier reply was refused (`correction_for`); it stands at
        the end of the user message, because some servers refuse two user messages in a row.
        """
        prompt = self.stages[stage]
        values = {
            "instruction": pair.instruction,
            "input": _fill(self.input_text, {"input": pair.input}) if pair.input.strip() else "",
            "response": pair.response,
            "criteria": "\n".join(f"- {key}: {text}" for key, text in prompt.criteria.items()),
            "reply_format": _fill(self.formats[reply_format], {"keys": _show_keys(stage, reply_format)}),
        }
        request = _fill(prompt.request, values)
        if pair.context:
            request = f"{_fill(self.context_text, {'context': _show_context(pair.context)}).strip()}\n\n{request}"
        if correction.strip():
            request = f"{request}\n\n{_fill(self.correction_text, {'correction': correction.strip()})}"
        return {"role": "system", "content": prompt.system}, {"role": "user", "content": request}

    def schema(self, stage: Stage) -> dict[str, object]:
        """Return the JSON schema of a reply of this stage, for structured output: every section a required string."""
        prompt = self.stages[stage]
        described = {**prompt.criteria, **prompt.rewrites}
        return {
            "type": "object",
            "properties": {key: {"type": "string", "description": text} for key, text in described.items()},
            "required": list(described),
            "additionalProperties": False,
        }

    def response_format(self, stage: Stage) -> dict[str, object]:
        """Return the chat API's `response_format` that makes the endpoint follow the schema."""
        named = {"name": f"{stage}_reflection", "strict": True, "schema": self.schema(stage)}
        return {"type": "json_schema", "json_schema": named}


def _show_keys(stage: Stage, reply_format: ReplyFormat) -> str:
    """Return an example of a reply with a placeholder for each text."""
    keys = section_keys(stage)
    if reply_format is ReplyFormat.JSON:
        return json.dumps({key: placeholder(key) for key in keys}, indent=2)
    return "\n".join(f"<{key}>\n{placeholder(key)}\n</{key}>" for key in keys)


def _show_context(context: Context) -> str:
    """Return the messages of a context, each between tags of its role."""
    return "\n".join(f"<{each['role']}>\n{each['content']}\n</{each['role']}>" for each in context.messages)


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each {name} by its value, in one pass, so that braces within a value are left alone."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)


def load_prompts(path: Path | None = None) -> Prompts:
    """Return the reflection prompts of a TOML file, by default those of the package.

    Raises:
        TemplateError: the file is not there, is not TOML, or misses or misnames something the parser relies on.
    """
    source = files(__package__).joinpath("prompts.toml") if path is None else path
    try:
        text = source.read_text(encoding="utf-8").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(source), error) from error
    return parse_prompts(text, str(source))


def parse_prompts(text: str, name: str = "the prompts file") -> Prompts:
    """Return the prompts in the text of a prompts file; `name` is what an error message calls it.

    Raises:
        TemplateError: the text is not TOML, or misses or misnames something the parser relies on.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(name, error) from error
    return _prompts_of(table, text, Path(name).name)


def _prompts_of(table: Mapping[str, object], text: str, short: str) -> Prompts:
    return Prompts(
        version=_text(table, "version", short),
        input_text=_text(table, "input", short, {"input"}),
        context_text=_text(table, "context", short, {"context"}) if "context" in table else _usual_context_text(),
        formats=_formats(table.get("reply_format"), short),
        correction_text=_text(table, "correction", short, {"correction"}),
        stages={stage: _stage_prompt(table.get(stage), stage, short) for stage in REFLECTIONS},
        source=text,
    )


@cache
def _usual_context_text() -> str:
    """Return the text for contexts of the package's prompts, also that of files that have none."""
    return load_prompts().context_text


def _formats(table: object, source: str) -> dict[ReplyFormat, str]:
    """Return the checked texts that ask for each form of reply."""
    if not isinstance(table, dict):
        raise _unusable(source, "the table [reply_format] is missing")
    return {each: _text(table, each, source, {"keys"}, where="reply_format.") for each in ReplyFormat}


def _stage_prompt(table: object, stage: Stage, source: str) -> StagePrompt:
    """Return the checked texts of one stage."""
    if not isinstance(table, dict):
        raise _unusable(source, f"the table [{stage}] is missing")
    return StagePrompt(
        system=_text(table, "system", source, where=f"{stage}."),
        request=_text(table, "request", source, PLACEHOLDERS, where=f"{stage}."),
        criteria=_descriptions(table, "criteria", CRITERIA[stage], f"{source}, [{stage}.criteria]"),
        rewrites=_descriptions(table, "rewrites", REWRITE_SECTIONS[stage], f"{source}, [{stage}.rewrites]"),
    )


def _text(table: Mapping[str, object], key: str, source: str, needs: Collection[str] = (), where: str = "") -> str:
    """Return a text of the file. TemplateError unless it holds exactly the placeholders that it needs."""
    text = table.get(key)
    if not isinstance(text, str) or not text.strip():
        raise _unusable(source, f"the text {where}{key} is missing or empty")
    found = set(re.findall(r"\{(\w+)\}", text))
    if found != set(needs):
        odd = ", ".join("{" + name + "}" for name in sorted(found.symmetric_difference(needs)))
        raise _unusable(source, f"the text {where}{key} misses or misnames {odd}")
    return text


def _descriptions(table: Mapping[str, object], name: str, keys: tuple[str, ...], where: str) -> dict[str, str]:
    """Return the descriptions of the sections. TemplateError unless they are the known ones in the known order."""
    found = table.get(name)
    if not isinstance(found, dict) or tuple(found) != keys:
        raise _unusable(where, f"the keys must be, in this order: {', '.join(keys)}")
    return {key: _text(found, key, where) for key in keys}


def _unreadable(source: str, error: Exception) -> TemplateError:
    return TemplateError(
        f"The reflection prompts {source} cannot be read: {error}.", "Give a readable TOML file in UTF-8."
    )


def _unusable(source: str, problem: str) -> TemplateError:
    return TemplateError(
        f"The reflection prompts in {source} cannot be used: {problem}.",
        "Compare with srt_core/reflect/prompts/prompts.toml.",
    )
