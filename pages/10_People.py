"""People: who works here, and how queues are shared out."""

from srt_core.ui.frame.page import show_page
from srt_core.ui.people.page import render_people

show_page("pages/10_People.py", render_people)
