"""Settings that a teacher refuses: what its error says of them, and how requests are put from then on.

    an error names a setting ─▶ RULES: ways to put the request ─▶ a Change ─▶ `put`: every further request's body

A Change is found by one refusal and kept with the teacher, so no later run asks the old way again. It is how a request
is put, and no part of the hash that the request is known by: that holds what the curator asked for.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

RESPONSE_FORMAT: Final = "response_format"
KEPT_CHARACTERS: Final = 400
"""Length to which what a teacher said of a setting is cut."""
OWN: Final[Mapping[str, str]] = {
    "model": "--model",
    "messages": "--prompts",
    "temperature": "--temperature or --no-temperature",
    "max_tokens": "--max-tokens",
    "max_completion_tokens": "--max-tokens",
    RESPONSE_FORMAT: "--reply-format",
    "stream": "nothing: it is found by trying",
    "n": "nothing: one reply a request is read",
}
"""What a request holds anyway, and the option that sets it."""


class Remedy(StrEnum):
    """What is done about a refused setting; applied in this order."""

    LIMITED = "limited"
    """To the largest value that the teacher states."""
    SET = "set"
    """To a value that the teacher wants."""
    LEFT_OUT = "left_out"
    RENAMED = "renamed"
    FOLDED = "folded"
    """Of the system text: put before the user's, in one message."""


@dataclass(frozen=True, slots=True)
class Change:
    """One remedy, for every request to a teacher. `value`: the limit, the value as JSON or the new name; else ""."""

    setting: str
    remedy: Remedy
    value: str = ""
    detail: str = field(default="", compare=False)
    """What the teacher said."""

    def __str__(self) -> str:
        """Return how requests are put, such as `max_tokens at most 1024`."""
        return _WORDS[self.remedy].format(setting=self.setting, value=self.value)


_WORDS: Final[Mapping[Remedy, str]] = {
    Remedy.LIMITED: "{setting} at most {value}",
    Remedy.SET: "{setting} set to {value}",
    Remedy.LEFT_OUT: "without {setting}",
    Remedy.RENAMED: "{setting} as {value}",
    Remedy.FOLDED: "the {setting} text in the user's message",
}


def put(body: dict[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return the body of a request as the teacher takes it."""
    for change in sorted(changes, key=lambda each: list(Remedy).index(each.remedy)):
        _PUT[change.remedy](body, change)
    return body


def _limit(body: dict[str, Any], change: Change) -> None:
    asked = body.get(change.setting)
    if asked is not None:
        body[change.setting] = min(asked, json.loads(change.value))


def _leave_out(body: dict[str, Any], change: Change) -> None:
    body.pop(change.setting, None)


def _rename(body: dict[str, Any], change: Change) -> None:
    if change.setting in body:
        body[change.value] = body.pop(change.setting)


def _fold(body: dict[str, Any], _change: Change) -> None:
    system = [each["content"] for each in body["messages"] if each["role"] == "system"]
    first, *rest = [each for each in body["messages"] if each["role"] != "system"]
    body["messages"] = [{**first, "content": "\n\n".join([*system, first["content"]])}, *rest]


_PUT: Final[Mapping[Remedy, Callable[[dict[str, Any], Change], None]]] = {
    Remedy.LIMITED: _limit,
    Remedy.SET: lambda body, change: body.update({change.setting: json.loads(change.value)}),
    Remedy.LEFT_OUT: _leave_out,
    Remedy.RENAMED: _rename,
    Remedy.FOLDED: _fold,
}

WITHOUT_SCHEMA: Final = Change(RESPONSE_FORMAT, Remedy.LEFT_OUT)

Way = tuple[Change, ...]
"""Changes that are made together."""


@dataclass(frozen=True, slots=True)
class RefusedSetting:
    """A setting that an error refuses: `ways` to put it otherwise, the best first, and a `hint` where none is left."""

    setting: str
    ways: tuple[Way, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """How servers name a setting when they refuse it, and the ways to put it then."""

    setting: str
    named: re.Pattern[str]
    ways: Callable[[str, Mapping[str, Any]], Iterable[Way]]
    """Of what was said and the body that was sent."""
    hint: str
    sent_as: tuple[str, ...] = ()
    """The fields of a body that are this setting, where one must have been sent; () for none in particular."""


def _max_tokens_ways(said: str, sent: Mapping[str, Any]) -> Iterator[Way]:
    asked = sent.get("max_tokens", sent.get("max_completion_tokens"))
    if (limit := _stated_limit(said, asked)) is not None:
        yield (Change("max_tokens", Remedy.LIMITED, str(int(limit))),)
        return
    if "max_tokens" in sent:
        yield (Change("max_tokens", Remedy.RENAMED, "max_completion_tokens"),)
    yield (Change("max_tokens", Remedy.LEFT_OUT),)


def _temperature_ways(said: str, sent: Mapping[str, Any]) -> Iterator[Way]:
    if (limit := _stated_limit(said, sent.get("temperature"))) is not None and limit > 0:
        yield (Change("temperature", Remedy.LIMITED, f"{limit:g}"),)
    yield (Change("temperature", Remedy.LEFT_OUT),)


def _thinking_ways(said: str, sent: Mapping[str, Any]) -> Iterator[Way]:
    wanted = "true" if re.search(r"(?:restricted|set|be|only) (?:to |supports? )?['\"`]?true", said, re.I) else "false"
    if "enable_thinking" not in sent:
        yield (Change("enable_thinking", Remedy.SET, wanted),)


STREAMED: Final[Way] = (
    Change("stream", Remedy.SET, "true"),
    Change("stream_options", Remedy.SET, '{"include_usage": true}'),
)
_REFUSES: Final = re.compile(
    r"support|allowed|permitted|valid|only|must|should|deprecated|cannot|can't|unrecogni[sz]ed|unknown|unexpected|extra|"
    r"incompatible|range|too large|exceed|less than|greater|maximum|at most|restricted|required|not enabled|alternate|"
    r"no longer|require|unable|positive|forbidden|\u4e0d\u652f\u6301|\u975e\u6cd5|\u53d6\u503c", re.I)  # fmt: skip
"""Words of a refusal, so that a text which only mentions a setting is none."""
_IS_TOO_LONG: Final = re.compile(
    r"(?:context[ _]length|context[ _]size).*\b(?:input|prompt|messages|requested)\b|input tokens|"
    r"`?inputs`? tokens|got -\d", re.I | re.S)  # fmt: skip
"""What is said where prompt and reply together do not fit: that is about one request, not about a setting."""

_NO_STREAM: Final = "Ask another server of this model: this one gives neither whole replies nor streams."

RULES: Final = (
    _Rule(
        "stream_options",
        re.compile(r"stream_options|include_usage", re.I),
        lambda _said, _sent: [(Change("stream_options", Remedy.LEFT_OUT),)],
        _NO_STREAM,
        ("stream_options",),
    ),
    _Rule(
        "enable_thinking",
        re.compile(r"enable_?thinking", re.I),
        _thinking_ways,
        "Give what it wants by --extra-body '{\"enable_thinking\": false}'.",
    ),
    _Rule(
        "stream",
        re.compile(r"only supports? (?:the )?(?:stream|incremental)|non[- ]?stream|\bstream(?:ing)?[`'\" ]*(?:mode )?"
                   r"(?:=|:|must|should|is required|set)|(?:must|required|need) .{0,30}\bstream", re.I),
        lambda _said, sent: [] if sent.get("stream") else [STREAMED],
        _NO_STREAM,
    ),
    _Rule(
        "max_tokens",
        re.compile(r"max(?:imum)?[ _-]?(?:completion|output|new)?[ _-]?tokens", re.I),
        _max_tokens_ways,
        "Give what it takes by --max-tokens.",
        ("max_tokens", "max_completion_tokens"),
    ),
    _Rule(
        "temperature",
        re.compile(r"\btemperature\b", re.I),
        _temperature_ways,
        "Give what it takes by --temperature, or --no-temperature.",
        ("temperature",),
    ),
    _Rule(
        "system",
        re.compile(r"\b(?:system|developer)\b['\"`]? ?(?:role|message|prompt|instruction|turn)|role['\"`]?s? .{0,40}"
                   r"['\"`](?:system|developer)\b|roles must alternate|only user and assistant roles|"
                   r"role.{0,60}'?user'?(?:,| and| or) '?assistant'?|first message.{0,40}\buser\b", re.I),
        lambda _said, sent: [(Change("system", Remedy.FOLDED),)] if sent["messages"][0]["role"] == "system" else [],
        "Write prompts without a system text, and give them by --prompts.",
    ),
    _Rule(
        RESPONSE_FORMAT,
        re.compile(r"response_?(?:format|schema)|json[_ ]?schema|json_object|structured[ _]outputs?|guided|"
                   r"\bgrammar\b", re.I),
        lambda _said, _sent: [(WITHOUT_SCHEMA,)],
        "Leave out --reply-format, or ask for sections.",
        (RESPONSE_FORMAT,),
    ),
)  # fmt: skip
"""A setting is looked for in this order: what one server says of two, the first remedy may mend."""

_ABOUT_ANOTHER: Final = frozenset({401, 402, 403, 408, 409, 413, 425, 429, 502, 503, 504, 529})
"""Statuses that tell of the account, the pace or the server, whatever words come with them."""


def refused_settings(
    status: int, body: str, sent: Mapping[str, Any], extra: Iterable[str] = (), used: Iterable[Change] = ()
) -> list[RefusedSetting]:
    """Return the settings that an error response refuses, none where it is about something else.

    `sent` is the body of the request, `extra` the names of the curator's own fields in it, which are never left out,
    and `used` are the changes that it was put with.
    """
    said = words_of(body)
    if status < 400 or status in _ABOUT_ANOTHER or not _REFUSES.search(said) or _IS_TOO_LONG.search(said):
        return []
    own = [name for name in extra if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", said)]
    asked = {*sent, *(change.setting for change in used)}.difference(own)
    named = (
        rule for rule in RULES if rule.named.search(said) and not (rule.sent_as and asked.isdisjoint(rule.sent_as))
    )
    found = [RefusedSetting(rule.setting, tuple(rule.ways(said, sent)), rule.hint) for rule in named]
    return found + [RefusedSetting(name, (), f"Change {name} in --extra-body, or leave it out.") for name in own]


def words_of(body: str) -> str:
    """Return all that an error says, without what it repeats of the request."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        found = body
    return re.sub(r"['\"]input['\"]:.*", "", " ".join(_texts(found)), flags=re.S)


def _texts(found: object, depth: int = 0) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping) and depth < 8:
        for name, inner in found.items():
            if name not in ("input", "failed_generation"):
                yield from _texts(inner, depth + 1)
    elif isinstance(found, Sequence) and depth < 8:
        for inner in found:
            yield from _texts(inner, depth + 1)


_NUMBER = r"[`'\" ]*(\d[\d,]*(?:\.\d+)?)"
_INCLUSIVE: Final = re.compile(
    rf"[\[(\uff08]\s*[\d.]+\s*[,\uff0c~-]{_NUMBER}\s*\]|(?:at most|less than or equal to|<=|\u2264|up to|not exceed|"
    rf"maximum (?:value )?(?:of|is)|limit (?:of|is)|between [\d.]+ and|from [\d.]+ to|\d > ){_NUMBER}(?! \(exclusive)",
    re.I)  # fmt: skip
_EXCLUSIVE: Final = re.compile(
    rf"[\[(\uff08]\s*[\d.]+\s*[,\uff0c~-]{_NUMBER}\s*\)|(?:(?:less|lower|smaller) than|below|(?<!\d) <){_NUMBER}|"
    rf"to{_NUMBER} \(exclusive\)", re.I)  # fmt: skip


def _stated_limit(said: str, asked: float | None) -> float | None:
    """Return the largest value that a message allows, where that is less than was asked for; None where none is."""
    if asked is None:
        return None
    step = 1 if isinstance(asked, int) else 0
    stated = [(match, 0) for match in _INCLUSIVE.finditer(said)] + [
        (match, step) for match in _EXCLUSIVE.finditer(said)
    ]
    values = [float(next(filter(None, match.groups())).replace(",", "")) - less for match, less in stated]
    return min((value for value in values if 1 <= value < asked or (not step and 0 < value < asked)), default=None)


class Wording:
    """How requests to one teacher are put: as asked, but for what it refused so far."""

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self.changes: tuple[Change, ...] = ()
        self._extra = tuple(extra)

    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a request as the teacher takes it."""
        return put(body, self.changes)

    def learn(self, status: int, error: str, sent: Mapping[str, Any], used: Sequence[Change]) -> RefusedSetting | None:
        """Learn from an error to a request that was put with the changes `used`.

        Returns the setting that it refuses, its hint "" where another request may do better: it is put in a way that
        was not tried, by this answer or by one that came while the call was under way. None where it refuses none.
        """
        found = refused_settings(status, error, sent, self._extra, used)
        if not found:
            return None
        if set(used) != set(self.changes):
            return replace(found[0], hint="")
        for each in found:
            way = next((way for way in each.ways if not set(way) <= set(used)), None)
            if way is None:
                continue
            if each.setting != RESPONSE_FORMAT:  # which changes the form of reply, and so the request itself
                self._adopt(way, error)
            return replace(each, hint="")
        return next((each for each in found if each.setting in self._extra), found[0])

    def _adopt(self, way: Way, error: str) -> None:
        """Put requests in this way from now on; a new value of the same change takes the place of the old one."""
        new = {(each.setting, each.remedy) for each in way}
        kept = (each for each in self.changes if (each.setting, each.remedy) not in new)
        said = " ".join(words_of(error).split())[:KEPT_CHARACTERS]
        self.changes = (*kept, *(replace(each, detail=said) for each in way))
