"""People: who works here, and how queues are shared out."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.people.page import render_people

render_people(setup_page("pages/10_People.py"))
