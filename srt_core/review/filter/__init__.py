"""One filter over everything stored: browse, search, facets, saved views."""
