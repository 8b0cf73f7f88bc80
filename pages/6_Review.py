"""Review: decide sample by sample."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.review.page import render_review

show_page("pages/6_Review.py", render_review)
