"""History: who did what, and undo."""

from srt_core.ui.history import render_history
from srt_core.ui.page import setup_page

render_history(setup_page("pages/9_History.py"))
