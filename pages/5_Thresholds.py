"""Thresholds: tune the rule by eye, then apply it."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.thresholds.page import render_thresholds

show_page("pages/5_Thresholds.py", render_thresholds)
