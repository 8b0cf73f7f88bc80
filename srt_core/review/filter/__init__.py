"""One filter over everything stored: its condition, pages, counts, full text, own columns, saved views, as text."""
