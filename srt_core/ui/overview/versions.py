"""One picture of the four versions of a sample: what the teacher makes of what, and how many of each are kept."""

from collections.abc import Mapping
from importlib import resources

import streamlit as st

from srt_core.records import ORIGIN_COLOURS, Origin
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.palette import TEACHER_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS

EXPLORE = "pages/4_Explore.py"
KEY = "four_versions"
_FILES = resources.files("srt_core.ui.overview") / "browser"
_SAYS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "your pair",
    Origin.RESPONSE: "a new response",
    Origin.INSTRUCTION: "a new instruction",
    Origin.BOTH: "both are new",
}


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


_versions_in_browser = st.components.v2.component(
    "srt_versions", html=_read("versions.html"), css=_read("versions.css"), js=_read("versions.js")
)


def draw_versions(kept: Mapping[str, int], samples: int) -> None:
    """Draw the picture; `kept` counts by version what the rule keeps of `samples`. A count opens its rows."""
    versions = [
        [str(origin), ORIGIN_LABELS[origin], says, ORIGIN_COLOURS[origin], kept.get(origin, 0) if samples else None]
        for origin, says in _SAYS.items()
    ]
    says = f"The rule keeps {sum(kept.values()):,} of {samples:,}." if samples else ""
    result = _versions_in_browser(
        key=KEY,
        data={"versions": versions, "teacher": TEACHER_COLOUR, "says": says},
        on_open_change=lambda: None,
    )
    if result.open in ORIGIN_COLOURS:
        st.switch_page(EXPLORE, query_params=address(reason="kept", winner=str(result.open)))
