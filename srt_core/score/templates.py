"""Student templates (METHOD, section 3). A template is data: texts with placeholders.

    with_input       {instruction} {input}   the turn of x where the pair has an input, up to where the response begins
    no_input         {instruction}           the turn of x where it has none
    reverse_request  {response}              shows a response and asks for its instruction

The reverse prompt y' is `no_input` with the filled reverse request as its {instruction}. A template that can carry the
context of a pair has more texts; what stands before the pair is one of the first two, then the turns:

    system           {system}                the system text, closed
    preamble                                 what `with_input` and `no_input` begin with, in place of a system text
    user             {instruction}           an earlier turn of the user, closed
    assistant        {response}              an earlier turn of the assistant, closed

A loss that a method adds stands after a text of the template without placeholders; besides `preamble` there may be

    direct_prefix                            the words of the prompts that open the response, such as `### Response:`
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from srt_core.errors import TemplateError
from srt_core.records import Pair

_PLACEHOLDER = re.compile(r"\{(instruction|input|response|system)\}")
_NEEDED: Mapping[str, frozenset[str]] = {
    "with_input": frozenset({"instruction", "input"}),
    "no_input": frozenset({"instruction"}),
    "reverse_request": frozenset({"response"}),
}
_FOR_CONTEXTS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"system"}),
    "preamble": frozenset(),
    "user": frozenset({"instruction"}),
    "assistant": frozenset({"response"}),
}
"""The texts that a template needs only where a pair has a context; "" for what it cannot carry."""
_PREFIX: Mapping[str, frozenset[str]] = {"direct_prefix": frozenset()}
_PLAIN = [name for name, needed in (*_FOR_CONTEXTS.items(), *_PREFIX.items()) if not needed]


@dataclass(frozen=True, slots=True)
class Template:
    """The texts of a student prompt. `is_chat`: the filled text is a user message in the tokenizer's chat template."""

    name: str
    with_input: str
    no_input: str
    reverse_request: str
    is_chat: bool = False
    system: str = ""
    preamble: str = ""
    user: str = ""
    assistant: str = ""
    direct_prefix: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the texts that pairs without a context are filled into, first 16 hex digits."""
        return hash_of(self._always)

    @property
    def hash_with_contexts(self) -> str:
        """The same of all texts; it is `hash` where the template has none for contexts."""
        own = [getattr(self, key) for key in _FOR_CONTEXTS]
        return hash_of([*self._always, *own]) if any(own) else self.hash

    @property
    def _always(self) -> list[str]:
        return [self.with_input, self.no_input, self.reverse_request]

    @property
    def json(self) -> str:
        """The texts as JSON for the project file, from which `stored_template` makes the template again."""
        return json.dumps({**self.texts, "is_chat": self.is_chat})

    @property
    def texts(self) -> dict[str, str]:
        """The texts that it has, by name."""
        keys = (*_NEEDED, *_FOR_CONTEXTS, *_PREFIX)
        return {key: text for key in keys if (text := getattr(self, key)) or key in _NEEDED}

    def text(self, name: str) -> str:
        """Return one of its texts without placeholders; TemplateError where it has none of that name."""
        if name in _PLAIN and (found := self.texts.get(name)):
            return found
        having = [each.name for each in _BUILT_IN.values() if each.texts.get(name)]
        hint = f"Take one that has it: {', '.join(having)}; or give your template such a text."
        raise TemplateError(f"The template {self.name} has no text {name}, after which a loss is asked for.", hint)


def hash_of(texts: Sequence[str]) -> str:
    """Return the SHA-256 of texts, first 16 hex digits."""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def stored_template(name: str, texts: str) -> Template:
    """Return the template that `Template.json` stored; older project files lack is_chat."""
    found = json.loads(texts)
    is_chat = found.pop("is_chat", name in _BUILT_IN and _BUILT_IN[name].is_chat)
    return Template(name, **found, is_chat=is_chat)


def render(text: str, fields: Mapping[str, str]) -> str:
    """Return `text` with the placeholders of `fields` filled in one pass: "{input}" within a field is left alone."""
    return _PLACEHOLDER.sub(lambda match: fields.get(match[1], match[0]), text)


def prompt(template: Template, pair: Pair) -> str:
    """Return x in the template, up to where the response begins; without an input part where the pair has no input."""
    text = template.with_input if pair.input else template.no_input
    return render(text, {"instruction": pair.instruction, "input": pair.input})


def reverse_prompt(template: Template, response: str) -> str:
    """Return y' in the template: the response wrapped in the request to guess its instruction."""
    request = render(template.reverse_request, {"response": response})
    return render(template.no_input, {"instruction": request})


def load_template(name_or_path: str | Path) -> Template:
    """Return the built-in template of that name, else the one in that TOML file.

    A file has the keys with_input, no_input and reverse_request, and may have name and is_chat, or system, preamble,
    user and assistant where it can carry contexts, and direct_prefix for losses that methods add.

    Raises:
        TemplateError: there is neither, the file is not readable TOML, a text lacks its placeholders, or the texts do
            not go together.
    """
    name, path = str(name_or_path), Path(name_or_path)
    return _BUILT_IN[name] if name in _BUILT_IN else _template(path.stem, _read(path))


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
    texts = {key: _checked_text(name, key, data.get(key), wanted) for key, wanted in _NEEDED.items()}
    optional = {**_FOR_CONTEXTS, **_PREFIX}
    more = {key: _checked_text(name, key, data[key], wanted) for key, wanted in optional.items() if key in data}
    made = Template(str(data.get("name", name)), **texts, is_chat=data.get("is_chat") is True, **more)
    _check_together(made)
    return made


def _check_together(template: Template) -> None:
    """Raise TemplateError where the texts for contexts do not fit each other or the prompts."""
    if template.is_chat and template.hash_with_contexts != template.hash:
        message = f"The template '{template.name}' is for the tokenizer's chat template, which has its own turns."
        raise TemplateError(message, "Leave out system, preamble, user and assistant, or is_chat.")
    if bool(template.user) != bool(template.assistant):
        lacking = "assistant" if template.user else "user"
        message = f"The template '{template.name}' has earlier turns of one side only: it has no text '{lacking}'."
        raise TemplateError(message, "Give both user and assistant, or neither.")
    if not all(text.endswith(template.direct_prefix) for text in (template.with_input, template.no_input)):
        message = f"The prompts of the template '{template.name}' do not end with its direct_prefix."
        raise TemplateError(message, "Give the words of the prompts that open the response.")
    if not (template.with_input.startswith(template.preamble) and template.no_input.startswith(template.preamble)):
        message = f"The prompts of the template '{template.name}' do not begin with its preamble."
        raise TemplateError(message, "Begin with_input and no_input with it: a system text takes its place.")


def _checked_text(name: str, key: str, text: object, needed: frozenset[str]) -> str:
    """Return the text if it has the placeholders it needs and no other."""
    names = " and ".join(f"{{{field}}}" for field in sorted(needed, reverse=True))
    wanted = f"the placeholders {names}" if needed else "no placeholders"
    if not isinstance(text, str):
        raise TemplateError(f"The template '{name}' has no text '{key}'.", f'Add {key} = "..." with {wanted}.')
    found = set(_PLACEHOLDER.findall(text)) - ({"system"} - needed)  # elsewhere {system} is a text like any other
    if found != needed:
        shown = " and ".join(f"{{{field}}}" for field in sorted(found)) or "none"
        raise TemplateError(
            f"The text '{key}' of the template '{name}' needs {wanted} and has {shown}.",
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
