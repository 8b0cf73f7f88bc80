"""Runs: train a student on an export, and compare what students learnt."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.runs.page import render_runs

show_page("pages/13_Runs.py", render_runs)
