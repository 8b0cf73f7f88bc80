"""Import: take a file's pairs in."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.importing.page import render_import

show_page("pages/1_Import.py", render_import)
