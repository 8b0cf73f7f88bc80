"""The app's screens over the core: the only importer of Streamlit outside app.py and pages/.

    server      who is at the screen, logins, the open projects
    frame       what every page shares: frame, words, charts, filters, forms, progress
    sample      one sample's texts and numbers, as several pages show them
    overview … people       one folder a page, named as the page

A page calls `frame.page.show_page` with one function of its folder; it is complete without app.py.
"""
