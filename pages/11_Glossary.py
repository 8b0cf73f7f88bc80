"""Glossary: the terms of the screens."""

from srt_core.ui.frame.page import setup_page
from srt_core.ui.overview.glossary import render_glossary

setup_page("pages/11_Glossary.py")
render_glossary()
