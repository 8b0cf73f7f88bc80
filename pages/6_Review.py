"""Review: decide sample by sample."""

from srt_core.ui.page import setup_page
from srt_core.ui.review import render_review

render_review(setup_page("pages/6_Review.py"))
