"""The palette of charts and texts.

One palette everywhere: the colours keep a contrast of 3:1 on a white and on a near-black page, and those of one chart
stay apart (a CIELAB distance of 20) for readers who lack one of the three cones; lines differ by dash, dots by shape
and bars by pattern as well.
"""

from collections.abc import Mapping

from srt_core.methods import REASONS
from srt_core.records import Origin, Reason

TEACHER_COLOUR = "#8b5ac0"
STUDENT_COLOUR = "#236d58"
NEUTRAL_COLOUR = "#939393"
REFUSED_COLOUR = "#b44b31"
ORIGIN_DASHES: Mapping[Origin, str] = {
    Origin.ORIGINAL: "solid",
    Origin.RESPONSE: "dash",
    Origin.INSTRUCTION: "dashdot",
    Origin.BOTH: "dot",
}
ORIGIN_SYMBOLS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "circle",
    Origin.RESPONSE: "square",
    Origin.INSTRUCTION: "diamond",
    Origin.BOTH: "cross",
}
ORIGIN_PATTERNS: Mapping[Origin, str] = {
    Origin.ORIGINAL: "",
    Origin.RESPONSE: "/",
    Origin.INSTRUCTION: ".",
    Origin.BOTH: "x",
}
_WITHOUT = (Reason.UNSCORED, Reason.NOT_REFLECTED, Reason.REFLECTION_FAILED)
REASON_COLOURS: Mapping[str, str] = {
    reason: STUDENT_COLOUR if reason == Reason.KEPT else NEUTRAL_COLOUR if reason in _WITHOUT else REFUSED_COLOUR
    for reason in REASONS
}
"""By group: kept, refused by the rule, and without what the rule needs."""
