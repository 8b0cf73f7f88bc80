"""Texts too long to be drawn at once: how much of them is shown, and the switch that shows them whole.

What is cut is the picture alone. A decision, an export and a search are on the whole text.
"""

import streamlit as st

MOST_CHARACTERS = 20_000
"""Characters of a text that are drawn at first: some three thousand words."""


def offer_whole(key: str, *texts: str) -> int | None:
    """Return how many characters of each text to draw, None for all of them; offer all where one is longer.

    Args:
        key: names the place of these texts on the page.
        texts: what is drawn there.
    """
    longest = max(map(len, texts), default=0)
    if longest <= MOST_CHARACTERS:
        return None
    label = f"Show all: long texts end at {MOST_CHARACTERS:,} characters here, the longest has {longest:,}"
    return None if st.toggle(label, key=f"whole_{key}") else MOST_CHARACTERS


def draw_code(key: str, text: str, *, language: str | None = None, height: int | None = None) -> None:
    """Show a text as code, lines wrapped, its beginning alone where it is long."""
    most = offer_whole(key, text)
    st.code(text[:most], language=language, wrap_lines=True, height=height or "content")
    if most is not None:
        st.caption(f"{len(text) - most:,} more characters.")
