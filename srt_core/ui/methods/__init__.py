"""The Methods screen."""
