"""Methods: what each is, what it takes here, and what each would select."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.methods.page import render_methods

show_page("pages/14_Methods.py", render_methods)
