"""The rows of Explore and the sample that is open, in the browser: a component of our own files, which fetches nothing.

How texts, differences, buttons and keys look is the desk's: its scripts for that are used as they are.
"""

from importlib import resources

import streamlit as st

KEY = "explore_rows"
_OWN = resources.files("srt_core.ui.explore") / "browser"
_DESK = resources.files("srt_core.ui.review") / "browser"
_SCRIPTS = (_DESK / "page.js", _DESK / "texts.js", _OWN / "sample.js", _OWN / "rows.js")
"""In the order in which they stand in the one module that the browser gets."""

rows_in_browser = st.components.v2.component(
    "srt_explore",
    html=(_OWN / "rows.html").read_text(encoding="utf-8"),
    css=(_OWN / "rows.css").read_text(encoding="utf-8"),
    js="\n".join(each.read_text(encoding="utf-8") for each in _SCRIPTS),
)
