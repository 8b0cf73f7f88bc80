"""The address of the page on screen. It is written here alone, so that it is known what the browser has yet to hear."""

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
    st.query_params.from_dict(st.session_state[_WRITTEN])
    st.rerun()
