"""A policy written and read, checked, and found in a project. Its options and limits stand side by side, by name."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, GUARDS, METHODS
from srt_core.project.store import Store
from srt_core.records import OPTIONS, Acceptance, Policy, Rounding, ShareOf

_WIDEST_MARGIN = 10.0


def applied_policy(store: Store) -> Policy:
    """Read the policy that the project's selections stand under. PolicyError where it names what is not known here."""
    return policy_in(store.meta("policy"))


def policy_in(text: str | None) -> Policy:
    """Read a policy as `meta` holds it; the default where there is none yet."""
    if not text:
        return Policy()
    values = _values_in(text)
    try:
        return with_settings(Policy(), values)
    except PolicyError as error:  # of a method whose file is gone, or of a later version
        raise PolicyError(
            f"The policy in use, {values.get('name')}, cannot be applied here: {error.message}",
            "Put another in use: srt select PROJECT --preset selective-code",
        ) from error


def settings_of(policy: Policy) -> dict[str, object]:
    """Return every option and limit of a policy by name; None for a guard that is off."""
    return policy.settings(GUARDS)


def policy_to_json(policy: Policy) -> str:
    """Write a policy as one line of JSON."""
    return json.dumps(settings_of(policy))


def policy_from_json(text: str) -> Policy:
    """Read a policy from JSON; PolicyError for an unknown method or option, or a value out of range."""
    return with_settings(Policy(), _values_in(text))


def _values_in(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise PolicyError(f"The policy is no JSON: {error}.", "Give an object of options and values.") from error
    if not isinstance(values, dict):
        raise PolicyError("The policy is no JSON object.", "Give an object of options and values.")
    return values


def with_settings(policy: Policy, settings: dict[str, Any]) -> Policy:
    """Return `policy` with options and limits changed by name; PolicyError for an unknown or impossible one."""
    _check_method(settings.get("method", policy.method))  # first: its options are unknown with it
    known = {*OPTIONS, *GUARDS}
    if unknown := sorted(set(settings) - known):
        raise PolicyError(f"The policy has no option {', '.join(unknown)}.", f"It has: {', '.join(sorted(known))}.")
    limits = {name: value for name, value in settings.items() if name in GUARDS}
    for name, value in limits.items():
        if value is not None:
            _check_number(name, value)
    try:
        options = {
            name: _CHOICES[name](value) if name in _CHOICES else value
            for name, value in settings.items()
            if name in OPTIONS
        }
    except ValueError as error:
        raise PolicyError(f"{error}.", "Take one of those that its dial offers.") from error
    changed: Policy = replace(policy, **options).limited(**limits)  # type: ignore[arg-type]  # checked next
    check(changed)
    return changed


_CHOICES: Mapping[str, type[StrEnum]] = {
    "accept_instruction": Acceptance,
    "accept_response": Acceptance,
    "share_of": ShareOf,
    "share_rounding": Rounding,
}


def differing(one: Policy, other: Policy) -> set[str]:
    """Name the options and limits in which two policies decide differently: their names and methods do not count."""
    values = settings_of(other)
    return {
        name for name, value in settings_of(one).items() if name not in ("name", "method") and values[name] != value
    }


def limits_on(policy: Policy, measure: str) -> list[float]:
    """Return where the guards of a policy cut a measure."""
    limits = [policy.limit(guard.name) for guard in GUARDS.values() if guard.measure == measure]
    return [limit for limit in limits if limit is not None]


def check(policy: Policy) -> None:
    """Raise PolicyError where an option or limit has an impossible value."""
    _check_kinds(policy)
    if not 0 < policy.top_share <= 100:
        raise PolicyError(f"top_share is {policy.top_share}.", "Give a percentage above 0 and up to 100.")
    for name, limit in policy.limits:
        _check_limit(name, limit)
    for name in ("instruction_margin", "response_margin"):
        value = getattr(policy, name)
        if not -_WIDEST_MARGIN <= value <= _WIDEST_MARGIN:
            raise PolicyError(f"{name} is {value}.", "Give a number between -10 and 10.")


def _check_limit(name: str, limit: float) -> None:
    if name not in GUARDS:
        raise PolicyError(f"The policy has no option {name}.", f"It has: {', '.join((*OPTIONS, *GUARDS))}.")
    _check_number(name, limit)
    least = GUARDS[name].least
    if not math.isfinite(limit) or (least is not None and limit <= least):
        above = "a positive number" if least == 0 else "a number" if least is None else f"a number above {least:g}"
        raise PolicyError(f"{name} is {limit}.", f"Give {above}, or none for no limit.")


def _check_method(name: object) -> None:
    if name not in tuple(METHODS):
        raise PolicyError(f"There is no method {name}.", f"Take one of: {', '.join(METHODS)}.")


def _check_kinds(policy: Policy) -> None:
    _check_method(policy.method)
    if policy.rank_by not in DIALS["rank_by"].choices:
        raise PolicyError(f"rank_by is {policy.rank_by}.", f"Take one of: {', '.join(DIALS['rank_by'].choices)}.")
    if not isinstance(policy.producer, str):
        raise PolicyError(f"producer is {policy.producer}.", "Give the name of a producer, or '' for any.")
    for name in ("require_response_reflection", "require_reflection"):
        if not isinstance(getattr(policy, name), bool):
            raise PolicyError(f"{name} is {getattr(policy, name)}.", "Give true or false.")
    for name in ("instruction_margin", "response_margin", "top_share"):
        _check_number(name, getattr(policy, name))


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PolicyError(f"{name} is {value}.", "Give a number.")
