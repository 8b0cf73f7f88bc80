"""Thresholds: tune the rule by eye, then apply it."""

from srt_core.ui.page import setup_page
from srt_core.ui.thresholds import render_thresholds

render_thresholds(setup_page("pages/5_Thresholds.py"))
