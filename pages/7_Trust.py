"""Trust: how far the rule agrees with people, and random audits to approve the rest on."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.trust.page import render_trust

show_page("pages/7_Trust.py", render_trust)
