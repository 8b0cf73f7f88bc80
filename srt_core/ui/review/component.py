"""The desk in the browser: a component of our own files, which fetches nothing and sets every text as text."""

from importlib import resources

import streamlit as st

KEY = "desk_in_browser"
_FILES = resources.files(__package__) / "browser"
_SCRIPTS = (
    "page.js", "texts.js", "sample.js", "blind.js", "editor.js", "drawer.js", "rubric.js", "head.js", "keys.js",
    "pressing.js", "going.js", "wire.js", "desk.js",
)  # fmt: skip
"""In the order in which they stand in the one module that the browser gets."""


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


desk_in_browser = st.components.v2.component(
    "srt_desk", html=_read("desk.html"), css=_read("desk.css"), js="\n".join(map(_read, _SCRIPTS))
)
