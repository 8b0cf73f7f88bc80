"""Reflect: ask the teacher for rewrites."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.reflect.page import render_reflect

render_reflect(setup_page("pages/2_Reflect.py"))
