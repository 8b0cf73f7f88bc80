"""Make what reflecting needs of its arguments: the teacher, the prompts, the plan of the run."""

import json
from dataclasses import replace
from pathlib import Path

from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.reflect.missing import SettledBy
from srt_core.reflect.prices import Price, price_of, set_price
from srt_core.reflect.prompts import Prompts, ReplyFormat, load_prompts
from srt_core.reflect.run import Plan
from srt_core.reflect.spending import Caps
from srt_core.reflect.teacher import OpenAITeacher, ReplayTeacher, Teacher
from srt_core.select.settled import settled_by_rule
from srt_core.steps.reflect_arguments import ARGUMENTS, Mode
from srt_core.steps.step import Arguments

Prepared = tuple[Teacher, Prompts, Plan]
"""What a run of one teacher needs."""


def settled_by(mode: Mode) -> SettledBy | None:
    """Return what a plan in this mode asks about the instruction stage."""
    return settled_by_rule if mode is Mode.SEQUENTIAL else None


def make_teacher(asked: Arguments) -> Teacher:
    """Make the teacher: a replay file, or an endpoint whose key is in an environment variable.

    Raises:
        SRTError: neither was given, or both; the file cannot be read; the address is none; so is the extra body.
    """
    base_url, model, replay = asked["base_url"], asked["model"], asked["replay"]
    if asked["arms"]:
        raise SRTError(
            "A file of arms names several teachers, and this asks for one.",
            "Give --arms alone, or name one of them as --base-url and --model do.",
        )
    if replay and not base_url:
        return ReplayTeacher(Path(replay).expanduser())
    if base_url and model and not replay:
        return OpenAITeacher(
            base_url,
            model,
            api_key_variable=asked["key_variable"],
            temperature=None if asked["is_without_temperature"] else asked["temperature"],
            max_tokens=asked["max_tokens"],
            deadline_seconds=asked["deadline_seconds"],
            extra_body=read_extra_body(asked["extra_body"]),
        )
    raise SRTError("No teacher was given.", "Give --base-url and --model, or --replay FILE.")


def read_extra_body(text: str) -> dict[str, object]:
    """Return the further fields of each request, written as a JSON object; SRTError where it is none."""
    try:
        found: object = json.loads(text or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SRTError("The extra body is no JSON object.", """Write it as {"reasoning_effort": "low"}.""")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def make_prompts(asked: Arguments) -> Prompts:
    """Read the prompts: those that come with the source where no file is named."""
    return load_prompts(Path(asked["prompts"]).expanduser() if asked["prompts"] else None)


def make_plan(asked: Arguments) -> Plan:
    """Make the plan of a run."""
    reply_format = asked["reply_format"]
    return Plan(
        settled_by(Mode(asked["mode"])),
        asked["concurrency"],
        retry_failed=asked["retry_failed"],
        note=asked["note"],
        requests_per_minute=asked["requests_per_minute"],
        tokens_per_minute=asked["tokens_per_minute"],
        caps=Caps(asked["max_calls"], asked["max_cost"]),
        reply_format=ReplyFormat(reply_format) if reply_format else None,
        only=tuple(asked["only"]),
    )


def prepare(store: Store, asked: Arguments) -> Prepared:
    """Make teacher, prompts and plan, and remember a price that is given; SRTError where they do not go together."""
    teacher, prompts, plan = make_teacher(asked), make_prompts(asked), make_plan(asked)
    _keep_price(store, teacher.model, asked)
    _check(store, teacher, plan, asked)
    return teacher, prompts, plan


def prepare_calls(store: Store, asked: Arguments) -> tuple[Teacher, Plan]:
    """Make the teacher and the plan of a run that has a wording of its own, as a coach has; errors as `prepare`."""
    whole = {**{each.name: each.default for each in ARGUMENTS}, **asked}
    teacher, plan = make_teacher(whole), make_plan(whole)
    _keep_price(store, teacher.model, whole)
    _check(store, teacher, plan, whole)
    return teacher, plan


def _keep_price(store: Store, model: str, asked: Arguments) -> None:
    """Remember a price; what is not given stays as it is known."""
    names = {"price_input": "input", "price_output": "output", "price_batch": "batch_share"}
    given = {part: asked[name] for name, part in names.items() if asked[name] is not None}
    if not given:
        return
    known = price_of(store, model)
    if known is None and not given.keys() >= {"input", "output"}:
        raise SRTError(f"No price is known for {model} yet.", "Give both --price-input and --price-output.")
    set_price(store, model, replace(known, **given, listed="") if known else Price(**given))


def _check(store: Store, teacher: Teacher, plan: Plan, asked: Arguments) -> None:
    """Refuse arguments that do not go together."""
    is_without_price = plan.caps.cost is not None and price_of(store, teacher.model) is None
    student, is_batch = bool(asked["student"]), asked["is_batch"]
    wrong = (
        (is_without_price, f"A cap in dollars needs a price, and none is known for {teacher.model}.",
         "Give --price-input and --price-output, or cap the calls."),
        (bool(plan.note) and not plan.retry_failed, "A note is for replies that were refused before.",
         "Add --retry-failed."),
        (student and plan.settled is None, "A student beside the calls is for sequential mode.",
         "Add --mode sequential."),
        (student and is_batch, "No student scores beside a batch.", "Score the project between two batches."),
        (asked["is_without_temperature"] and asked["temperature"] != 0.0,
         "A temperature is given, and none is to be sent.", "Leave out --temperature or --no-temperature."),
        (is_batch and not isinstance(teacher, OpenAITeacher), "A recording has no Batch API.", "Leave out --batch."),
    )  # fmt: skip
    for is_wrong, message, hint in wrong:
        if is_wrong:
            raise SRTError(message, hint)
