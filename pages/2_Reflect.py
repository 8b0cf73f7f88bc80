"""Reflect: ask the teacher for rewrites."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.reflect.page import render_reflect

show_page("pages/2_Reflect.py", render_reflect)
