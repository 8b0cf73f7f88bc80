"""The command line: one file a command; the long steps' options and results come from their records (`step`)."""
