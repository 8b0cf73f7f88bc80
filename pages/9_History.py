"""History: who did what, and undo."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.history.page import render_history

render_history(setup_page("pages/9_History.py"))
