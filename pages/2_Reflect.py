"""Reflect: ask the teacher for rewrites."""

from srt_core.ui.page import setup_page
from srt_core.ui.reflecting import render_reflect

render_reflect(setup_page("pages/2_Reflect.py"))
