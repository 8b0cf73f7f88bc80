"""Compare: policies, methods and students side by side, before anything is applied."""

from srt_core.ui.compare.page import render_compare
from srt_core.ui.frame.page import show_page

show_page("pages/12_Compare.py", render_compare)
