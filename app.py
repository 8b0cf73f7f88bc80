"""Overview: the state of the project and what to do next. Start with: streamlit run app.py.

Streamlit reads this file twice: once as a module that holds the server, then as the page, for each of its runs.
"""

from streamlit.starlette import App

from srt_core.ui.frame.page import show_page
from srt_core.ui.overview.page import render_overview
from srt_core.ui.server.serving import MIDDLEWARE, lifespan

if __name__ == "__main__":
    show_page("app.py", render_overview)
else:
    app = App("app.py", middleware=MIDDLEWARE, lifespan=lifespan)
