"""The pairs that a record holds, whatever its shape: its columns decide, record by record."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from srt_core.errors import DatasetError
from srt_core.importing.files.account import Account
from srt_core.importing.files.conversations import split_content, user_content
from srt_core.importing.files.mapping import WHOLE_PARTS
from srt_core.importing.files.options import Options, Placeholders
from srt_core.importing.files.rewrites import read_part
from srt_core.importing.files.shapes.asides import NotText, is_about, is_media, refuse
from srt_core.importing.files.shapes.exchanges import take
from srt_core.importing.files.shapes.names import (
    CHOSEN,
    KNOWN_NAMES,
    MAYBE_MESSAGES,
    MEDIA,
    MESSAGES,
    PAIRS,
    TREES,
    folded,
)
from srt_core.importing.files.shapes.nested import best_thread, is_tree, list_messages
from srt_core.importing.files.shapes.plans import Plan, Shape, find_plan, mapped_plan
from srt_core.importing.files.shapes.roles import Speaker, is_message
from srt_core.importing.files.shapes.texts import how, split_text
from srt_core.importing.files.shapes.turns import Manner, Said, read_system, read_turns
from srt_core.importing.files.shapes.values import is_blank, is_nothing, is_placeholder, keep, parse_json, read_text
from srt_core.records import NO_CONTEXT, Context, Pair, Role, Turn

Fields = Mapping[str, object]

_CACHED = 1_000
_LISTED = 50
_OTHER_REPLIES = "Replies of trees beside the best one, not taken"
_TAKEN_AS_EMPTY = 'Inputs that only say that there is none, such as "nan" or "<noinput>", taken as empty'
_SAYS_NOTHING = 'Responses that only say that there is none, such as "nan" or "N/A", taken as they are'
_OF_A_ROW = {"role", "parent_id"}
_WHOLE = "Import the trees, or write the messages of each conversation as a list in one record."


class UnmappedError(DatasetError):
    """Nothing is wrong with a record, but nobody said which of its columns is what."""


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs of a record, each with what its messages carry, and the columns that they were made of."""

    pairs: Sequence[tuple[Pair, Sequence[Mapping[str, object]]]]
    used: Mapping[str, str]
    is_conversation: bool = False
    media: tuple[str, ...] = ()
    """Columns of images or sounds that the record is about."""


@dataclass(frozen=True, slots=True)
class _Met:
    """What is known of all records that have values in the same columns."""

    lists: tuple[str, ...]
    """Columns that may hold messages."""
    trees: tuple[str, ...]
    """Columns that may hold a message with its replies."""
    media: tuple[str, ...]
    plans: dict[tuple[str, ...], Plan] = field(default_factory=dict)
    """By the columns that do hold messages."""


class PairReader:
    """Reads the pairs of records, and counts what their columns were used as."""

    def __init__(self, mapped: Mapping[str, str], options: Options, account: Account) -> None:
        """Take the mapped parts of the original."""
        self._mapped = mapped
        self._is_mapped = any(mapped.get(part) for part in ("instruction", *WHOLE_PARTS))
        self._options = options
        self._manner = options.manner
        self._account = account
        self._columns: set[str] = set()
        self._met: dict[tuple[str, ...], _Met] = {}

    def read(self, fields: Fields, row: int) -> Found:
        """Return the pairs of a record.

        Raises:
            UnmappedError: it is not clear which column is what.
            DatasetError: it holds no pair.
        """
        names = tuple(name for name, value in fields.items() if value is not None)
        met = self._met.get(names) or self._meet(names, fields, row)
        media = self._media(fields, met.media) if met.media else ()
        plan = self._plan(fields, names, met)
        match plan.shape:
            case Shape.PAIR:
                found = self._read_pair(fields, plan)
            case Shape.MESSAGES:
                found = self._read_messages(fields, plan)
            case Shape.INSTANCES:
                found = self._read_instances(fields, plan)
            case Shape.TEXT:
                found = self._read_text(fields, plan)
        used = self._account.used
        for column, part in found.used.items():
            if fields.get(column) is not None:
                used[part, column] += 1
        if found.pairs[-1][0].context.system and "system" not in found.used.values():
            used["system", plan.whole or plan.history or plan.instruction] += 1
        return replace(found, media=media) if media else found

    def extra(self, fields: Fields, used: Collection[str]) -> dict[str, object]:
        """Return the columns that are no part of the pair, as JSON can hold them."""
        extra: dict[str, object] = {}
        for name, value in fields.items():
            if name in used or value is None or value != value:  # noqa: PLR0124 (NaN, of which data frames are full)
                continue
            kept = keep(value)
            if kept is None:
                self._account.dropped[name] += 1
                continue
            extra[name] = kept
            self._account.kept[name] += 1
        return extra

    def _media(self, fields: Fields, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the columns of images or sounds that a record is about; refuse it where they are not left aside."""
        found = tuple(name for name in columns if is_about(fields, name))
        if found and NotText.MEDIA not in self._options.take:
            refuse(f'The record is about an image or a sound (column "{found[0]}"), which is no text.', NotText.MEDIA)
        return found

    def _plan(self, fields: Fields, names: tuple[str, ...], met: "_Met") -> Plan:
        lists = tuple(name for name in met.lists if _holds_messages(fields[name]))
        lists += tuple(name for name in met.trees if is_tree(fields[name]))
        plan = met.plans.get(lists)
        if plan is None:
            plan = self._find(names, lists, fields)
        return plan

    def _meet(self, names: tuple[str, ...], fields: Fields, row: int) -> "_Met":
        """Note columns that were not met before, and remember which of them may hold what."""
        new = [name for name in fields if name not in self._columns]
        if self._columns:
            self._account.late.update((name, row) for name in new[: max(0, _LISTED - len(self._account.late))])
        self._columns.update(new)
        if len(self._met) >= _CACHED:
            self._met.clear()
        known = {name: folded(name) for name in names}
        found = _Met(
            tuple(name for name in names if known[name] in (*MESSAGES, *MAYBE_MESSAGES, CHOSEN)),
            tuple(name for name in names if known[name] in TREES),
            tuple(name for name in names if known[name] in MEDIA or is_media(fields[name])),
        )
        self._met[names] = found
        return found

    def _find(self, names: tuple[str, ...], lists: tuple[str, ...], fields: Fields) -> Plan:
        if self._is_mapped and any(self._mapped[part] in fields for part in self._mapped if self._mapped[part]):
            return mapped_plan(self._mapped, fields)
        plan = find_plan(names, lists, self._mapped)
        if plan is not None:
            self._met[names].plans[lists] = plan
            return plan
        lists = tuple(name for name in fields if folded(name) not in TREES)
        plan = find_plan(tuple(fields), lists, self._mapped)
        if plan is None:
            _refuse(names)
        return plan

    def _read_pair(self, fields: Fields, plan: Plan) -> Found:
        x, y = fields.get(plan.instruction), fields.get(plan.response)
        if _is_messages(x) or _is_messages(y):
            return self._read_message_columns(fields, plan)
        instruction = read_text(x, "instruction", plan.instruction) or ""
        input, column = self._input(fields, plan)
        if is_blank(instruction) and is_blank(input):
            raise DatasetError("instruction is missing or empty.")
        response = read_part(fields, "response", plan.response)
        self._check_response(response)
        context = self._context(fields, plan) if plan.system or plan.history else NO_CONTEXT
        used = {**plan.columns, column: "input"} if column != plan.input else plan.columns
        return Found([(Pair(instruction, response, input, context), ())], used)

    def _input(self, fields: Fields, plan: Plan) -> tuple[str, str]:
        """Return the input of a record and its column: another one where the first is empty."""
        column = plan.input
        text = self.clean_input(read_text(fields.get(column), "input", column) or "") if column else ""
        for other in plan.other_inputs if is_blank(text) else ():
            held = fields.get(other)
            if isinstance(held, str) and not is_blank(cleaned := self.clean_input(held)):
                return cleaned, other
        return text, column

    def _read_message_columns(self, fields: Fields, plan: Plan) -> Found:
        """Read a prompt and an answer of which one or both are messages; an answer may be the whole conversation."""
        x, y = fields.get(plan.instruction), fields.get(plan.response)
        if _is_messages(y):
            answer = read_turns(y, self._manner)
        else:
            answer = [Said(Speaker.ASSISTANT, read_part(fields, "response", plan.response))]
        is_whole = any(each.speaker is Speaker.USER for each in answer)
        if is_whole:
            said = answer
        elif _is_messages(x):
            said = _joined(read_turns(x, self._manner), answer)
        else:
            instruction = read_part(fields, "instruction", plan.instruction)
            user = user_content(instruction, self._input(fields, plan)[0])
            said = [Said(Speaker.USER, user), *answer]
        return self._taken(fields, said, plan, plan.columns)

    def _read_messages(self, fields: Fields, plan: Plan) -> Found:
        if is_tree(talk := fields[plan.whole]):
            self._account.notes[_OTHER_REPLIES] += best_thread(talk)[1]
        first_only = self._options.turns == "first"
        said = read_turns(talk, self._manner, first_only=first_only)
        used = plan.columns
        if plan.answer and said and said[-1].speaker is Speaker.USER:
            answer = fields[plan.answer]
            said = _joined(said, read_turns(answer, self._manner) if _is_messages(answer) else [
                Said(Speaker.ASSISTANT, read_part(fields, "response", plan.answer))])  # fmt: skip
        elif plan.answer:
            used = {column: part for column, part in used.items() if column != plan.answer}
        return self._taken(fields, said, plan, used)

    def _read_text(self, fields: Fields, plan: Plan) -> Found:
        text = read_part(fields, "text", plan.whole)
        if not self._options.separators:
            if fields.keys() >= _OF_A_ROW:
                raise UnmappedError("The record is one message of a conversation, not a whole one.", _WHOLE)
            raise UnmappedError(f'Instruction and response are in one text (column "{plan.whole}").', how(text))
        return self._taken(fields, split_text(text, self._options.separators), plan, plan.columns)

    def _read_instances(self, fields: Fields, plan: Plan) -> Found:
        instances = parse_json(fields.get(plan.whole))
        if not isinstance(instances, list) or not instances or not all(isinstance(each, Mapping) for each in instances):
            raise DatasetError(f'The instances are no list of objects (column "{plan.whole}").')
        pairs: list[tuple[Pair, Sequence[Mapping[str, object]]]] = []
        inside = Plan(Shape.PAIR, plan.instruction, "input", response="output", system=plan.system)
        for each in instances:
            pairs += self._read_pair({**fields, "input": each.get("input"), "output": each.get("output")}, inside).pairs
        return Found(pairs, plan.columns)

    def _taken(self, fields: Fields, said: list[Said], plan: Plan, used: Mapping[str, str]) -> Found:
        """Return the exchanges that are asked for; instruction and input that join to a user turn are taken apart."""
        system = self._system(fields, plan)
        if plan.history:
            said = _joined(_earlier(fields.get(plan.history), self._manner), said)
        taken = take(said, self._options.turns, system)
        self._account.notes.update(taken.notes)
        pairs: list[tuple[Pair, Sequence[Mapping[str, object]]]] = []
        for each in taken.exchanges:
            instruction, input = split_content(fields, each.user)
            self._check_response(each.assistant)
            pairs.append((Pair(instruction, each.assistant, input, each.context), each.message_fields))
        pair = pairs[-1][0]
        own = {part: part for part in ("instruction", "input") if fields.get(part) == getattr(pair, part)}
        if plan.system and system and pair.context.system != system:
            used = {column: part for column, part in used.items() if column != plan.system}
        return Found(pairs, {**used, **own}, is_conversation=len(pairs) > 1)

    def _context(self, fields: Fields, plan: Plan) -> Context:
        system = self._system(fields, plan)
        said = _earlier(fields.get(plan.history), self._manner) if plan.history else []
        if said and said[0].speaker is Speaker.SYSTEM:
            system, said = said[0].text, said[1:]
        if any(each.speaker is Speaker.SYSTEM for each in said):
            raise DatasetError("A system turn stands in the middle of the history.", "Move it to the beginning.")
        if said and said[-1].speaker is Speaker.USER:
            raise DatasetError(
                f'The history ends with a turn of the user, without an answer (column "{plan.history}").'
            )
        return Context(system, tuple(Turn(Role(str(each.speaker)), each.text) for each in said))

    def _system(self, fields: Fields, plan: Plan) -> str:
        text = (read_text(read_system(fields.get(plan.system)), "system", plan.system) or "") if plan.system else ""
        text = self.clean_input(text)
        return "" if is_blank(text) else text

    def clean_input(self, text: str) -> str:
        """Return an input as it is taken: "" for a word that says there is none, where that was not asked otherwise."""
        if text and self._options.placeholders != Placeholders.KEEP and is_placeholder(text):
            self._account.notes[_TAKEN_AS_EMPTY] += 1
            return ""
        return text

    def _check_response(self, text: str) -> None:
        if self._options.placeholders == Placeholders.KEEP or not is_placeholder(text):
            return
        if self._options.placeholders == Placeholders.REFUSE:
            raise DatasetError(f'response only says that there is none: "{text.strip()}".')
        self._account.notes[_SAYS_NOTHING] += 1


def _refuse(names: Sequence[str]) -> NoReturn:
    listed = ", ".join(f'"{name}"' for name in names) or "none that has a value"
    known = {folded(name): name for name in reversed(names)}
    others = [name for name in names if folded(name) not in KNOWN_NAMES]
    instruction = next((known[pair.instruction] for pair in PAIRS if pair.is_plain and pair.instruction in known), None)
    if instruction is not None:
        hint = _map_hint(instruction, others[0]) if others else "A response stands under output or response."
        raise UnmappedError(f"response is missing; the columns are {listed}.", hint)
    raise UnmappedError(
        f"No column is known as an instruction with a response; the columns are {listed}.",
        _map_hint(*_likely(others if len(others) > 1 else names)),
    )


def _likely(names: Sequence[str]) -> tuple[str, str]:
    """Return the columns that are most likely instruction and response: by a word of their names, else the first."""

    def sounding_like(known: Iterable[str], among: Sequence[str]) -> str:
        found = (name for word in known for name in among if word in folded(name).split("_"))
        return next(found, [*among, "COLUMN"][0])

    instruction = sounding_like((pair.instruction for pair in PAIRS), names)
    others = [name for name in names if name != instruction]
    return instruction, sounding_like((name for pair in PAIRS for name in pair.responses), others)


def _map_hint(instruction: str, response: str) -> str:
    return f"Say which: --map {shlex.quote(f'instruction={instruction}')} --map {shlex.quote(f'response={response}')}."


def _holds_messages(value: object) -> bool:
    """Whether a value looks like a list of messages, of texts or of pairs of texts, perhaps written as JSON."""
    listed = list_messages(value)
    return bool(listed) and isinstance(listed[0], Mapping | str | list)  # type: ignore[index]


def _is_messages(value: object) -> bool:
    if isinstance(value, str):
        return False
    listed = list_messages(value)
    return is_message(value) or (bool(listed) and all(map(is_message, listed or ())))


def _earlier(value: object, manner: Manner) -> list[Said]:
    return [] if is_nothing(value) or value in ("", []) else read_turns(value, manner)


def _joined(before: list[Said], after: list[Said]) -> list[Said]:
    if before and after and before[-1].speaker is after[0].speaker:
        return [*before[:-1], before[-1] + after[0], *after[1:]]
    return [*before, *after]
