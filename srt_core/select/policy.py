"""Policies: written and read, checked, and found in a project, the one in use and the saved ones by name.

Options and limits of a policy stand side by side, by name.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, GUARDS, PRESETS, SELECTING
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
        raise PolicyError(f"{error}.", "Take one of those that the option offers.") from error
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
    for name in ("top_share", "diverse_share"):
        if not 0 < getattr(policy, name) <= 100:
            raise PolicyError(f"{name} is {getattr(policy, name)}.", "Give a percentage above 0 and up to 100.")
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
    if name not in tuple(SELECTING):
        raise PolicyError(f"There is no method {name}.", f"Take one of: {', '.join(SELECTING)}.")


def _check_kinds(policy: Policy) -> None:
    _check_method(policy.method)
    if policy.rank_by not in DIALS["rank_by"].choices:
        raise PolicyError(f"rank_by is {policy.rank_by}.", f"Take one of: {', '.join(DIALS['rank_by'].choices)}.")
    if not isinstance(policy.producer, str):
        raise PolicyError(f"producer is {policy.producer}.", "Give the name of a producer, or '' for any.")
    for name in ("require_response_reflection", "require_reflection"):
        if not isinstance(getattr(policy, name), bool):
            raise PolicyError(f"{name} is {getattr(policy, name)}.", "Give true or false.")
    for name in ("instruction_margin", "response_margin", "top_share", "diverse_share"):
        _check_number(name, getattr(policy, name))


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PolicyError(f"{name} is {value}.", "Give a number.")


# ---- policies by name: the presets of the methods and those a project has saved

_SWITCH = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
_TEXT: dict[str, Callable[[str], str]] = {"choice": str.lower, "producer": str}


def saved_policies(store: Store) -> dict[str, Policy]:
    """Read the presets and the project's own policies that can be applied here, by name; the presets first."""
    return {**PRESETS, **{name: each for name, each in _own(store).items() if isinstance(each, Policy)}}


def unusable_policies(store: Store) -> dict[str, str]:
    """Say of the project's own policies that cannot be applied here why, by name: their method's file is gone, say."""
    return {name: each.message for name, each in _own(store).items() if isinstance(each, PolicyError)}


def find_policy(store: Store, name: str) -> Policy:
    """Find a policy by name; PolicyError lists the names there are, or says why it cannot be applied here."""
    known = {**_own(store), **PRESETS}
    if name not in known:
        raise PolicyError(f"There is no policy {name}.", f"Choose from: {', '.join(saved_policies(store))}.")
    found = known[name]
    if isinstance(found, PolicyError):
        raise found
    return found


def _own(store: Store) -> dict[str, Policy | PolicyError]:
    return {row["name"]: _read(row["body"]) for row in store.rows("SELECT * FROM policy ORDER BY name")}


def _read(body: str) -> Policy | PolicyError:
    try:
        return policy_from_json(body)
    except PolicyError as error:  # of a method whose file is gone, or of a later version
        return error


def save_policy(store: Store, policy: Policy, name: str) -> Policy:
    """Keep `policy` in the project under `name`; PolicyError for a preset's name or an empty one."""
    name = name.strip()
    if not name or name in PRESETS:
        raise PolicyError(f"A policy cannot be saved as '{name}'.", "Give a name that no preset has.")
    named = replace(policy, name=name)
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO policy (name, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            [name, policy_to_json(named)],
        )
    return named


def own_policies(store: Store) -> list[str]:
    """Name the policies that the project has saved."""
    return [row["name"] for row in store.rows("SELECT name FROM policy ORDER BY name")]


def delete_policy(store: Store, name: str) -> None:
    """Forget a saved policy; one that is in use stays so. PolicyError for a preset or a name that is not there."""
    if name not in own_policies(store):
        raise PolicyError(f"There is no saved policy {name}.", "Only policies that you saved can be deleted.")
    with store.transaction() as tx:
        tx.execute("DELETE FROM policy WHERE name = ?", [name])


def change(policy: Policy, settings: Iterable[str]) -> Policy:
    """Change options written as name=value, such as max_ifd=1.0, max_r_ifd=none, require_reflection=true."""
    values = dict(_parse_setting(setting) for setting in settings)
    if not values:
        return policy
    changed = with_settings(policy, values)
    return replace(changed, name=f"{policy.name} (changed)") if policy.name in PRESETS else changed


def _parse_setting(setting: str) -> tuple[str, object]:
    name, equals, text = (part.strip() for part in setting.partition("="))
    if not equals or name not in DIALS:
        raise PolicyError(f"'{setting}' sets nothing.", f"Write name=value, with one of: {', '.join(DIALS)}.")
    dial = DIALS[name]
    if dial.kind in _TEXT:
        return name, _TEXT[dial.kind](text)
    if dial.kind == "switch":
        if text.lower() not in _SWITCH:
            raise PolicyError(f"{name} is '{text}'.", "Give true or false.")
        return name, _SWITCH[text.lower()]
    if dial.kind == "limit" and text.lower() in ("none", "off"):
        return name, None
    try:
        return name, float(text)
    except ValueError as error:
        raise PolicyError(f"{name} is '{text}'.", "Give a number.") from error
