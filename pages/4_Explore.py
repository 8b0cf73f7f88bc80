"""Explore: look at the whole set, filter it, and act on all that a filter holds."""

from srt_core.ui.explore.page import render_explore
from srt_core.ui.frame.page import show_page

show_page("pages/4_Explore.py", render_explore, has_own_title=True)
