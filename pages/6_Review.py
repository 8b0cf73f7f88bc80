"""Review: decide sample by sample."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.review.page import render_review

render_review(setup_page("pages/6_Review.py", has_own_title=True))
