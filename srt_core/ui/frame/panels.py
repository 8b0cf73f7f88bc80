"""Parts of a page that fold away and stay as they were left, on the way to another page and back too."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def panel(key: str, label: str, *, is_open: bool = False) -> Iterator[bool]:
    """Draw an expander that remembers whether it is open; gives that, so that what is folded away costs nothing."""
    held = f"{key}|held"  # a widget's own state goes when another page is drawn
    with st.expander(label, expanded=st.session_state.get(held, is_open), key=key, on_change="rerun") as shown:
        st.session_state[held] = bool(shown.open)
        yield bool(shown.open)
