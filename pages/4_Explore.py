"""Explore: look at the whole set, filter it, and act on all that a filter holds."""

from srt_core.ui.explore import render_explore
from srt_core.ui.page import setup_page

render_explore(setup_page("pages/4_Explore.py"))
