"""Thresholds: tune the rule by eye, then apply it."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.thresholds.page import render_thresholds

render_thresholds(setup_page("pages/5_Thresholds.py"))
