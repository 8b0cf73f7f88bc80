"""The long steps: import, reflect, score. Each commits in chunks, can stop and go on, and yields progress."""

from srt_core.pipeline.intake import import_file
from srt_core.pipeline.progress import Progress
from srt_core.pipeline.reflecting import Mode, count_calls, reflect
from srt_core.pipeline.scoring import is_scored, score
from srt_core.pipeline.trial import TRIAL_SAMPLES, Trial, trial

__all__ = [
    "TRIAL_SAMPLES",
    "Mode",
    "Progress",
    "Trial",
    "count_calls",
    "import_file",
    "is_scored",
    "reflect",
    "score",
    "trial",
]
