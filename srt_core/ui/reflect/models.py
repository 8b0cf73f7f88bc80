"""The box for the model's name: it offers what the server lists, and takes any other name."""

from typing import Any

import streamlit as st

from srt_core.reflect.teacher import ModelList, models_at
from srt_core.steps.reflect import REFLECT
from srt_core.steps.step import Argument
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import may_name

LIST_SECONDS = 300
"""How long a list is kept, also an empty one: no rerun asks for it again."""


def draw_model(argument: Argument, begin: Any) -> str:
    """Ask for the model at the address that stands in its field, and return what was chosen or typed.

    Whoever types an address has not chosen yet to send it a key, so the list is first asked for without one.
    """
    base_url, variable = (_given(name) for name in ("base_url", "key_variable"))
    found = ModelList()
    if base_url and may_own():
        has_key = st.session_state.get("listed_with_key") == base_url
        found = _listed(base_url, variable if has_key else "")
    chosen = str(st.session_state.get("model") or begin or "")
    options = list(dict.fromkeys([*([chosen] if chosen else []), *found.names]))
    label, note = (argument.field.label, argument.field.help) if argument.field else ("Model", None)
    name = st.selectbox(
        label, options, index=0 if chosen else None, key="model", help=note, accept_new_options=True,
        placeholder="Choose or type a name", persist_state="session",
    )  # fmt: skip
    if found.problem:
        st.text(f"No list of models to choose from: {found.problem}")
        if found.wants_key:
            st.button("List them with the key", key="list_models", on_click=_list_with_key, args=(base_url,))
    return (name or "").strip()


def _given(name: str) -> str:
    """Return what stands in the field of an argument; "" where it may not be named here, which is said there."""
    value = str(st.session_state.get(name) or "")
    return value if may_name(REFLECT.argument(name), value) else ""


def _list_with_key(base_url: str) -> None:
    st.session_state["listed_with_key"] = base_url


@st.cache_data(ttl=LIST_SECONDS, max_entries=16, show_spinner="Asking the server for its models")
def _listed(base_url: str, key_variable: str) -> ModelList:
    return models_at(base_url, key_variable)
