"""What every page shares: its frame, words, charts, filters and progress."""
