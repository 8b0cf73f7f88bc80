"""The dialled policy, kept in the session and in the address until it is applied, and a widget for each dial."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from srt_core.methods import DIALS, METHODS, Dial, Method
from srt_core.records import Policy
from srt_core.reflect.producers import rewriters
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing, policy_from_json, policy_to_json, with_settings
from srt_core.ui.frame.address import claim, generation, put_in_address
from srt_core.ui.frame.page import acting
from srt_core.ui.frame.words import MEASURE_LABELS, markdown
from srt_core.ui.server.runtime import Project

_GROUP = "dials"
_CHANGED = " (changed)"
_ANYBODY = "The earliest of each version"
_CHOICE_LABELS = {
    "improved": "If better",
    "always": "Always",
    "never": "Never",
    "kept": "What is left",
    "all": "All samples",
    "round": "To the nearest",
    "floor": "Down",
    **MEASURE_LABELS,
}


def dialled_policy(project: Project) -> Policy:
    """Return the policy that the dials stand at: the address's, else the session's, else the applied one.

    PolicyError where the address holds what no policy can.
    """
    text = st.query_params.get("dials") or _kept(project)["dials"]
    return policy_from_json(text) if text else applied_policy(project.store)


def dialled_method(policy: Policy) -> Method:
    """Return the method whose dials are shown: the one chosen, else the one that the policy belongs to."""
    asked = st.query_params.get("method", "")
    return METHODS[asked if asked in METHODS else policy.method]


def dial_to(project: Project, policy: Policy, method: Method | None = None) -> None:
    """Put the dials to `policy`, and show those of `method` (None: of the one that the policy belongs to)."""
    changed = {name: policy.value(name) for name in ("name", "method", *sorted(differing(policy, Policy())))}
    text = json.dumps(changed) if policy != applied_policy(project.store) else ""
    _keep(project, {"dials": text, "method": (method.name if method else policy.method) if text else ""})


def turned(project: Project, values: Mapping[str, object]) -> Policy:
    """Return the dialled policy with the dials of these names turned; the one in use where that is what it comes to."""
    policy = dialled_policy(project)
    name = policy.name if policy.name.endswith(_CHANGED) else policy.name + _CHANGED
    changed = with_settings(policy, {**values, "name": name})
    applied = applied_policy(project.store)
    # Back where it was is no change.
    return changed if differing(changed, applied) else applied


def on_step(dial: Dial, value: float) -> float:
    """Return the value of a dial's slider that is nearest to a number."""
    return min(max(round(round(value / dial.step) * dial.step, 6), dial.low), dial.high)


def keep_address(project: Project) -> None:
    """Write dials that the session kept while another page was open back into the address."""
    held = {name: st.query_params.get(name, "") for name in ("dials", "method")}
    _keep(project, held if held["dials"] else _kept(project))


def _kept(project: Project) -> dict[str, str]:
    kept: dict[str, str] = st.session_state.get(f"dialled|{project.name}", {"dials": "", "method": ""})
    return kept


def _keep(project: Project, held: dict[str, str]) -> None:
    st.session_state[f"dialled|{project.name}"] = held
    for name, text in held.items():
        put_in_address(name, text)


def render_dials(project: Project, policy: Policy, method: Method) -> None:
    """Draw a widget for each dial of the method."""
    exact = st.toggle("Type exact numbers", key="dials_exact", persist_state="session",
                      help="Show boxes to type into instead of sliders.")  # fmt: skip
    desk = _Desk(project, method, generation(_GROUP, policy_to_json(policy)), exact)
    for name in method.dials:
        dial = DIALS[name]
        _DRAW[dial.kind](desk, dial, policy.value(name))


def dial_value(dial: Dial, value: object) -> str:
    """Write the value of a dial as a person would, in Markdown."""
    if value is None:
        return "off"
    if dial.kind == "producer":
        return markdown(str(value)) if value else _ANYBODY.lower()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else _CHOICE_LABELS[str(value)].lower()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every dial's widget needs: whose policy it turns, and how it is drawn."""

    project: Project
    method: Method
    born: int
    exact: bool

    def key(self, dial: Dial, kind: str) -> str:
        return f"dial_{dial.name}_{kind}_{self.born}"


def _draw_choice(desk: _Desk, dial: Dial, value: object) -> None:
    key = desk.key(dial, "choice")
    st.segmented_control(dial.label, dial.choices, default=str(value), key=key, help=dial.help, required=True,
                         format_func=_CHOICE_LABELS.__getitem__, on_change=_turn, args=(desk, dial, key))  # fmt: skip


def _draw_producer(desk: _Desk, dial: Dial, value: str) -> None:
    """Offer those that made rewrites; with fewer than two there is nothing to choose."""
    names = remembered(rewriters, desk.project.store)
    if len(names) < 2:
        return
    key = desk.key(dial, "producer")
    options = list(dict.fromkeys(["", *names, value]))
    st.selectbox(dial.label, options, options.index(value), key=key, help=dial.help, on_change=_turn,
                 args=(desk, dial, key), format_func=lambda name: name or _ANYBODY)  # fmt: skip


def _draw_switch(desk: _Desk, dial: Dial, value: bool) -> None:
    key = desk.key(dial, "switch")
    st.toggle(dial.label, value, key=key, help=dial.help, on_change=_turn, args=(desk, dial, key))


def _draw_limit(desk: _Desk, dial: Dial, value: float | None) -> None:
    key = desk.key(dial, "on")
    st.toggle(dial.label, value is not None, key=key, help=dial.help, on_change=_turn_on, args=(desk, dial, key))
    if value is not None:
        _draw_amount(desk, dial, value)


def _draw_number(desk: _Desk, dial: Dial, value: float) -> None:
    st.markdown(f":small[{dial.label}]", help=dial.help)
    _draw_amount(desk, dial, value)


def _draw_amount(desk: _Desk, dial: Dial, value: float) -> None:
    """Draw a slider, or a box for a value that no slider hits. Never both: the later one would undo the earlier."""
    if desk.exact:
        key = desk.key(dial, "exact")
        st.number_input(dial.label, value=float(value), step=dial.step, format="%.4g", key=key, required=True,
                        label_visibility="collapsed", on_change=_turn, args=(desk, dial, key))  # fmt: skip
        return
    key = desk.key(dial, "slider")
    shown = min(max(float(value), dial.low), dial.high)
    st.slider(dial.label, dial.low, dial.high, shown, dial.step, key=key, label_visibility="collapsed",
              on_change=_turn, args=(desk, dial, key))  # fmt: skip


_DRAW: dict[str, Any] = {
    "producer": _draw_producer,
    "choice": _draw_choice,
    "switch": _draw_switch,
    "limit": _draw_limit,
    "number": _draw_number,
}


@acting
def _turn(desk: _Desk, dial: Dial, key: str) -> None:
    _set(desk, dial, st.session_state[key])


@acting
def _turn_on(desk: _Desk, dial: Dial, key: str) -> None:
    _set(desk, dial, dial.initial if st.session_state[key] else None)


def _set(desk: _Desk, dial: Dial, value: object) -> None:
    changed = turned(desk.project, {dial.name: value})
    claim(_GROUP, policy_to_json(changed))
    dial_to(desk.project, changed, desk.method)
