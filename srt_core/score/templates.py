"""Student prompts, forward and reverse (METHOD, section 3). A template is data: three texts with placeholders.

    with_input       {instruction} {input}   the context of y where the pair has an input
    no_input         {instruction}           the context of y where it has none
    reverse_request  {response}              shows a response and asks for its instruction

The reverse prompt y' is `no_input` with the filled reverse request as its {instruction}.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from srt_core.errors import TemplateError
from srt_core.records import Pair

_PLACEHOLDER = re.compile(r"\{(instruction|input|response)\}")
_NEEDED: Mapping[str, frozenset[str]] = {
    "with_input": frozenset({"instruction", "input"}),
    "no_input": frozenset({"instruction"}),
    "reverse_request": frozenset({"response"}),
}


@dataclass(frozen=True, slots=True)
class Template:
    """The three texts of a student prompt. `is_chat`: the filled text is put into the tokenizer's chat template."""

    name: str
    with_input: str
    no_input: str
    reverse_request: str
    is_chat: bool = False

    @property
    def hash(self) -> str:
        """SHA-256 of the three texts, first 16 hex digits: part of what identifies a scoring."""
        texts = json.dumps([self.with_input, self.no_input, self.reverse_request])
        return hashlib.sha256(texts.encode()).hexdigest()[:16]

    @property
    def json(self) -> str:
        """The texts as JSON for the project file, from which `stored_template` makes the template again."""
        return json.dumps({**{key: getattr(self, key) for key in _NEEDED}, "is_chat": self.is_chat})


def stored_template(name: str, texts: str) -> Template:
    """Return the template that `Template.json` stored; older project files lack is_chat."""
    found = json.loads(texts)
    is_chat = found.pop("is_chat", name in _BUILT_IN and _BUILT_IN[name].is_chat)
    return Template(name, **found, is_chat=is_chat)


def render(text: str, fields: Mapping[str, str]) -> str:
    """Return `text` with all placeholders filled in one pass, so that "{input}" within a field is left alone.

    KeyError for a placeholder without a field; templates are checked against that when they are loaded.
    """
    return _PLACEHOLDER.sub(lambda match: fields[match[1]], text)


def prompt(template: Template, pair: Pair) -> str:
    """Return the context of the response: x in the template, without the input part where the pair has no input."""
    text = template.with_input if pair.input else template.no_input
    return render(text, {"instruction": pair.instruction, "input": pair.input})


def reverse_prompt(template: Template, response: str) -> str:
    """Return y', the context of the instruction: the response wrapped in the request to guess its instruction."""
    request = render(template.reverse_request, {"response": response})
    return render(template.no_input, {"instruction": request})


def load_template(name_or_path: str | Path) -> Template:
    """Return the built-in template of that name, else the one in that TOML file.

    A file has the keys with_input, no_input and reverse_request, and may have name and is_chat.

    Raises:
        TemplateError: there is neither, the file is not readable TOML, or a text lacks its placeholders.
    """
    name = str(name_or_path)
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    path = Path(name_or_path)
    return _template(path.stem, _read(path))


def _read(path: Path) -> Mapping[str, object]:
    """Read a user's template file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        hint = f"Built-in templates: {', '.join(TEMPLATE_NAMES)}. Or give the path of a TOML file."
        raise TemplateError(f"There is no template '{path}'.", hint) from error
    except (OSError, ValueError) as error:
        hint = "Write it as TOML in UTF-8 with the keys with_input, no_input and reverse_request."
        raise TemplateError(f"The template file '{path}' cannot be read: {error}.", hint) from error


def _template(name: str, data: Mapping[str, object]) -> Template:
    """Build a template from a TOML table and check its texts."""
    texts = {key: _checked_text(name, key, data.get(key)) for key in _NEEDED}
    return Template(str(data.get("name", name)), **texts, is_chat=data.get("is_chat") is True)


def _checked_text(name: str, key: str, text: object) -> str:
    """Return the text if it has the placeholders it needs and no other."""
    wanted = " and ".join(f"{{{field}}}" for field in sorted(_NEEDED[key], reverse=True))
    if not isinstance(text, str):
        raise TemplateError(f"The template '{name}' has no text '{key}'.", f'Add {key} = "..." with {wanted}.')
    found = set(_PLACEHOLDER.findall(text))
    if found != _NEEDED[key]:
        shown = " and ".join(f"{{{field}}}" for field in sorted(found)) or "none"
        raise TemplateError(
            f"The text '{key}' of the template '{name}' needs the placeholders {wanted} and has {shown}.",
            "Correct the placeholders; a prompt ends where the response begins, so it holds no {response}.",
        )
    return text


def _read_built_in() -> Mapping[str, Template]:
    """Read the shipped templates; they share one reverse request."""
    data = tomllib.loads(resources.files(__package__).joinpath("templates.toml").read_text(encoding="utf-8"))
    shared = {"reverse_request": data.pop("reverse_request")}
    return {name: _template(name, shared | table) for name, table in data.items()}


_BUILT_IN: Mapping[str, Template] = _read_built_in()

TEMPLATE_NAMES: tuple[str, ...] = tuple(_BUILT_IN)
"""The built-in templates, in the order they are offered."""
