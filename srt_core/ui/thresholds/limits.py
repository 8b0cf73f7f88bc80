"""A widget for each limit and option of a method. What is moved is set, not applied, and its chart is shown."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from srt_core.methods import DIALS, Dial, Method
from srt_core.records import Policy
from srt_core.reflect.producers import rewriters
from srt_core.select.applied import ANYBODY, said
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing, policy_to_json
from srt_core.ui.frame.address import claim, generation, has_left
from srt_core.ui.frame.page import acting
from srt_core.ui.frame.words import markdown
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.setting import moved, set_limits

_GROUP = "dials"
_TOUCHED = "limit_touched"


def render_limits(project: Project, policy: Policy, method: Method) -> None:
    """Draw a widget for each limit of the method; below one that was moved, what is in use."""
    exact = st.toggle("Type exact numbers", key="dials_exact", persist_state="session",
                      help="Show boxes to type into instead of sliders.")  # fmt: skip
    desk = _Desk(project, method, generation(_GROUP, policy_to_json(policy)), exact)
    applied = applied_policy(project.store)
    changed = differing(policy, applied)
    for name in method.dials:
        dial = DIALS[name]
        with st.container(gap="xxsmall"):
            _DRAW[dial.kind](desk, dial, policy.value(name))
            if name in changed:
                st.caption(f":material/edit: In use: {markdown(said(name, applied.value(name)))}")


def touched() -> str:
    """Return the name of the limit that was moved last; "" where none was in this session."""
    return str(st.session_state.get(_TOUCHED, ""))


def touch(name: str) -> None:
    """Have the chart of a limit shown."""
    st.session_state[_TOUCHED] = name


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every widget needs: whose policy it changes, and how it is drawn."""

    project: Project
    method: Method
    born: int
    exact: bool

    def key(self, dial: Dial, kind: str) -> str:
        return f"dial_{dial.name}_{kind}_{self.born}"


def _draw_choice(desk: _Desk, dial: Dial, value: object) -> None:
    key = desk.key(dial, "choice")
    st.segmented_control(dial.label, dial.choices, default=str(value), key=key, help=dial.help, required=True,
                         format_func=_capital, on_change=_move, args=(desk, dial, key))  # fmt: skip


def _capital(choice: str) -> str:
    word = said("", choice)
    return word[:1].upper() + word[1:]


def _draw_producer(desk: _Desk, dial: Dial, value: str) -> None:
    """Offer those that made rewrites; with fewer than two there is nothing to choose."""
    names = remembered(rewriters, desk.project.store)
    if len(names) < 2:
        return
    key = desk.key(dial, "producer")
    options = list(dict.fromkeys(["", *names, value]))
    st.selectbox(dial.label, options, options.index(value), key=key, help=dial.help, on_change=_move,
                 args=(desk, dial, key), format_func=lambda name: name or ANYBODY.capitalize())  # fmt: skip


def _draw_switch(desk: _Desk, dial: Dial, value: bool) -> None:
    key = desk.key(dial, "switch")
    st.toggle(dial.label, value, key=key, help=dial.help, on_change=_move, args=(desk, dial, key))


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
                        label_visibility="collapsed", on_change=_move, args=(desk, dial, key))  # fmt: skip
        return
    key = desk.key(dial, "slider")
    shown = min(max(float(value), dial.low), dial.high)
    st.slider(dial.label, dial.low, dial.high, shown, dial.step, key=key, label_visibility="collapsed",
              on_change=_move, args=(desk, dial, key))  # fmt: skip


_DRAW: dict[str, Any] = {
    "producer": _draw_producer,
    "choice": _draw_choice,
    "switch": _draw_switch,
    "limit": _draw_limit,
    "number": _draw_number,
}


@acting
def _move(desk: _Desk, dial: Dial, key: str) -> None:
    if not has_left(_GROUP, desk.born):
        _set(desk, dial, st.session_state[key])


@acting
def _turn_on(desk: _Desk, dial: Dial, key: str) -> None:
    if not has_left(_GROUP, desk.born):
        _set(desk, dial, dial.initial if st.session_state[key] else None)


def _set(desk: _Desk, dial: Dial, value: object) -> None:
    changed = moved(desk.project, {dial.name: value})
    claim(_GROUP, policy_to_json(changed))
    touch(dial.name)
    set_limits(desk.project, changed, desk.method)
