"""The address of the page on screen, and widgets that show what it says and take what is put in.

The address is written here alone, so that it is known what the browser has yet to hear.

A value set from outside (a link, a chart, a preset) cannot be pushed into widgets that are on screen: what the browser
sends before it has received the push would count as typed and undo it. So the widgets are made again: their keys carry
the number of a generation, which ends whenever anything but they themselves changed what they show.
"""

from typing import NoReturn

import streamlit as st

_WRITTEN = "address"


def put_in_address(name: str, value: str) -> None:
    """Give a query parameter of the page's address a value; "" takes it out."""
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)
    remember_address()


def remember_address() -> None:
    """Remember where the session is. Every page does so as it begins, with the address that it was asked for."""
    st.session_state[_WRITTEN] = st.query_params.to_dict()


def run_page_again() -> NoReturn:
    """Run the whole page again, at the address where the session is, from a fragment that runs by itself.

    Such a run comes with the address that the browser had when its timer went off. What a key or a click has put there
    meanwhile may still be on its way to the browser, and would be lost to a page that followed the older address.
    """
    keep_to_address()
    st.rerun()


def keep_to_address() -> None:
    """Follow the address where the session is, in a callback or a fragment, whose run may come with an older one.

    A run that follows another at once, as keys on a slider make them, or that a component asks for, is sent by a
    browser that has not heard yet what the one before has put there. Nobody goes elsewhere by such a run.
    """
    written = st.session_state.get(_WRITTEN)
    if written is not None and st.query_params.to_dict() != written:
        st.query_params.from_dict(written)


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


def has_left(name: str, number: int) -> bool:
    """Return whether the widgets of this number are no longer on screen: what their callbacks hear is no input.

    A run that follows at once may come with the values of widgets that the one before has taken away. Streamlit
    forgot those meanwhile, so it takes them for new ones and calls back.
    """
    return number != current(name)


def claim(name: str, shown: str) -> None:
    """Note, in a callback of the group's widgets, what they show now."""
    st.session_state[_key(name)] = (shown, current(name))


def _key(name: str) -> str:
    return f"generation|{name}"
