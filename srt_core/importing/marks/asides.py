"""The mark of a sample of which an import took the texts alone."""

from srt_core.importing.marks.mark import Mark, Original

MOST = 120
"""Characters of what is said: a column of this name may be the curator's own."""


def left_aside(sample: Original) -> str | None:
    """Say what the import left aside."""
    return f"without its {' '.join(sample.left_aside.split())[:MOST]}" if sample.left_aside else None


MARKS = (
    Mark(
        "left_aside",
        "Left aside",
        "The import took the texts alone, as it was asked to: the sample also has images, sounds or tool calls, which "
        "its response may speak of.",
        left_aside,
    ),
)
