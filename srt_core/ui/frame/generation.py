"""Widgets that show what the address says, and take what is put in.

A value set from outside (a link, a chart, a preset) cannot be pushed into widgets that are on screen: what the browser
sends before it has received the push would count as typed and undo it. So the widgets are made again: their keys carry
the number of a generation, which ends whenever anything but they themselves changed what they show.
"""

import streamlit as st


def generation(name: str, shown: str) -> int:
    """Return the number for the keys of a group of widgets that are about to show `shown`."""
    seen, number = st.session_state.get(_key(name), (shown, 0))
    if seen != shown:
        number += 1
    st.session_state[_key(name)] = (shown, number)
    return int(number)


def current(name: str) -> int:
    """Return the number of the widgets that are on screen."""
    return int(st.session_state.get(_key(name), ("", 0))[1])


def claim(name: str, shown: str) -> None:
    """Note, in a callback of the group's widgets, what they show now."""
    st.session_state[_key(name)] = (shown, current(name))


def _key(name: str) -> str:
    return f"generation|{name}"
