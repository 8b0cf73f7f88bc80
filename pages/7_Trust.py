"""Trust: how far the rule agrees with people, and random audits to approve the rest on."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.trust.page import render_trust

render_trust(setup_page("pages/7_Trust.py"))
