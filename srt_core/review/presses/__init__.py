"""What a reviewer's keys did, as the desk sends it: written in one transaction, each once, refused ones with a reason.

The desk shows the next sample at once and sends what it did when nothing is under way: the whole list of what it does
not know to be saved. A press has a number that the desk made, so that one that comes again is not written again, and
names the decision that its reader saw, so that one on a sample that somebody else decided meanwhile is refused.
"""

from srt_core.review.presses.press import Press, PressKind, parse
from srt_core.review.presses.taking import Refused, Saved, take
from srt_core.review.presses.writes import Sitting

__all__ = ["Press", "PressKind", "Refused", "Saved", "Sitting", "parse", "take"]
