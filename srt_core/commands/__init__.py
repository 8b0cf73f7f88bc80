"""The commands that have many options, one module a step."""
