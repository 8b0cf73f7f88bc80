"""The policy as it is set on the screens, kept in the session and in the address until it is applied."""

import json
from collections.abc import Mapping

import streamlit as st

from srt_core.methods import SELECTING, Dial, Method
from srt_core.records import Policy
from srt_core.select.policy import applied_policy, differing, policy_from_json, with_settings
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.server.runtime import Project

_CHANGED = " (changed)"


def policy_as_set(project: Project) -> Policy:
    """Return the policy that the limits are set to: the address's, else the session's, else the applied one.

    PolicyError where the address holds what no policy can.
    """
    text = st.query_params.get("dials") or _kept(project)["dials"]
    return policy_from_json(text) if text else applied_policy(project.store)


def method_as_set(policy: Policy) -> Method:
    """Return the method whose limits are shown: the one chosen, else the one that the policy belongs to."""
    asked = st.query_params.get("method", "")
    return SELECTING[asked if asked in SELECTING else policy.method]


def set_limits(project: Project, policy: Policy, method: Method | None = None) -> None:
    """Set the limits to those of `policy`, and show those of `method` (None: of the one that the policy belongs to)."""
    changed = {name: policy.value(name) for name in ("name", "method", *sorted(differing(policy, Policy())))}
    text = json.dumps(changed) if policy != applied_policy(project.store) else ""
    _keep(project, {"dials": text, "method": (method.name if method else policy.method) if text else ""})


def moved(project: Project, values: Mapping[str, object]) -> Policy:
    """Return the policy that is set with the limits of these names moved; the one in use where that is the same."""
    policy = policy_as_set(project)
    name = policy.name if policy.name.endswith(_CHANGED) else policy.name + _CHANGED
    changed = with_settings(policy, {**values, "name": name})
    applied = applied_policy(project.store)
    # Back where it was is no change.
    return changed if differing(changed, applied) else applied


def on_step(dial: Dial, value: float) -> float:
    """Return the value of a limit's slider that is nearest to a number."""
    return min(max(round(round(value / dial.step) * dial.step, 6), dial.low), dial.high)


def keep_address(project: Project) -> None:
    """Write limits that the session kept while another page was open back into the address."""
    held = {name: st.query_params.get(name, "") for name in ("dials", "method")}
    _keep(project, held if held["dials"] else _kept(project))


def _kept(project: Project) -> dict[str, str]:
    kept: dict[str, str] = st.session_state.get(f"limits|{project.name}", {"dials": "", "method": ""})
    return kept


def _keep(project: Project, held: dict[str, str]) -> None:
    st.session_state[f"limits|{project.name}"] = held
    for name, text in held.items():
        put_in_address(name, text)
