"""The colour of each version, the same on screens and in the pictures of a dataset card."""

from collections.abc import Mapping

from srt_core.records.origins import Origin

ORIGIN_COLOURS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "#939393",
    Origin.RESPONSE: "#2a7fd4",
    Origin.INSTRUCTION: "#c97e1b",
    Origin.BOTH: "#a92d94",
}
REVIEWER_COLOUR = "#7d8a1f"
"""Of what people did, whoever it was."""
