"""Export: hand the verdicts over to training."""

from srt_core.ui.export.page import render_export
from srt_core.ui.frame.page import setup_page

render_export(setup_page("pages/8_Export.py"))
