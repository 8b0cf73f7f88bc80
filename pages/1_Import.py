"""Import: take a file's pairs in."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.importing.page import render_import

render_import(setup_page("pages/1_Import.py"))
