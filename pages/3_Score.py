"""Score: ask the student for losses."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.score.page import render_score

show_page("pages/3_Score.py", render_score)
