"""One filter over everything stored: its condition, its pages, its counts, full text, own columns, saved views."""
