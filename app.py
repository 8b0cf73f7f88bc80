"""Overview: the state of the project and what to do next. Start with: streamlit run app.py."""

from srt_core.ui.overview import render_overview
from srt_core.ui.page import setup_page

render_overview(setup_page("app.py"))
