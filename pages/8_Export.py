"""Export: hand the verdicts over to training."""

from srt_core.ui.export.page import render_export
from srt_core.ui.frame.page import show_page

show_page("pages/8_Export.py", render_export)
