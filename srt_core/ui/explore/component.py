"""The head and the rows of Explore in the browser: components of our own files, which fetch nothing.

How texts, differences, buttons and keys look is the desk's: its scripts for that are used as they are.
"""

from importlib import resources
from importlib.resources.abc import Traversable

import streamlit as st

HEAD_KEY, KEY = "explore_head", "explore_rows"
_OWN = resources.files("srt_core.ui.explore") / "browser"
_DESK = resources.files("srt_core.ui.review") / "browser"


def _joined(*files: Traversable) -> str:
    """Return files one after another, as the one that the browser gets."""
    return "\n".join(each.read_text(encoding="utf-8") for each in files)


head_in_browser = st.components.v2.component(
    "srt_explore_head",
    html=_joined(_OWN / "head.html"),
    css=_joined(_OWN / "head.css"),
    js=_joined(_DESK / "page.js", _OWN / "head.js"),
)
rows_in_browser = st.components.v2.component(
    "srt_explore",
    html=_joined(_OWN / "rows.html"),
    css=_joined(_OWN / "rows.css"),
    js=_joined(_DESK / "page.js", _DESK / "texts.js", _OWN / "sample.js", _OWN / "rows.js"),
)
