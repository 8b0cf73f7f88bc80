"""History: who did what, and undo."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.history.page import render_history

show_page("pages/9_History.py", render_history)
