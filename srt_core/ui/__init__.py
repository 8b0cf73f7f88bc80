"""The app's screens over the core: the only importer of Streamlit outside app.py and pages/."""
