"""Score: ask the student for losses."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.score.page import render_score

render_score(setup_page("pages/3_Score.py"))
