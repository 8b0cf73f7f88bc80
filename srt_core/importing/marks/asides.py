"""Marks of how a sample came in: of the texts alone, or written by a student."""

from srt_core.importing.marks.mark import Mark, Original

MOST = 120
"""Characters of what is said: a column of this name may be the curator's own."""


def left_aside(sample: Original) -> str | None:
    """Say what the import left aside."""
    return f"without its {' '.join(sample.left_aside.split())[:MOST]}" if sample.left_aside else None


def synthetic(sample: Original) -> str | None:
    """Say which student wrote it, and how many of its answers agree."""
    return sample.synthetic[: 2 * MOST] or None


MARKS = (
    Mark(
        "left_aside",
        "Left aside",
        "The import took the texts alone, as it was asked to: the sample also has images, sounds or tool calls, which "
        "its response may speak of.",
        left_aside,
    ),
    Mark(
        "synthetic",
        "Synthetic",
        "A student wrote this sample, input and response. Samples like this are approved in bulk only once a random "
        "audit of them was read.",
        synthetic,
    ),
)
