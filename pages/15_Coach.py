"""Coach: what people edited most, and a coach that revises the rest."""

from srt_core.ui.coach.page import render_coach
from srt_core.ui.frame.page import show_page

show_page("pages/15_Coach.py", render_coach)
