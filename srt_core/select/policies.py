"""Policies by name: the presets of the methods and those a project has saved."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, PRESETS
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.select.policy import policy_from_json, policy_to_json, with_settings

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
