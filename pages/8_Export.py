"""Export: hand the verdicts over to training."""

from srt_core.ui.export import render_export
from srt_core.ui.page import setup_page

render_export(setup_page("pages/8_Export.py"))
