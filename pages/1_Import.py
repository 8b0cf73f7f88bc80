"""Import: take a file's pairs in."""

from srt_core.ui.intake import render_import
from srt_core.ui.page import setup_page

render_import(setup_page("pages/1_Import.py"))
