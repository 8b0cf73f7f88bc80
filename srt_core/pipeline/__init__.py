"""The long steps: import, reflect, score. Each commits in chunks, can stop and go on, and yields progress."""

from srt_core.pipeline.along import Scoring
from srt_core.pipeline.asking import Asker
from srt_core.pipeline.batching import reflect_batch
from srt_core.pipeline.estimate import Estimate, estimate
from srt_core.pipeline.grouping import count_unknown, find_kinds, group_subjects
from srt_core.pipeline.intake import import_file
from srt_core.pipeline.missing import Missing, Mode, count_missing
from srt_core.pipeline.parsing import parse_again
from srt_core.pipeline.progress import Progress
from srt_core.pipeline.reflecting import Plan, producer_of, reflect
from srt_core.pipeline.scoring import is_scored, score
from srt_core.pipeline.sending import forget_batches
from srt_core.pipeline.spending import Caps, spent_by
from srt_core.pipeline.trial import TRIAL_SAMPLES, Trial, trial

__all__ = [
    "TRIAL_SAMPLES",
    "Asker",
    "Caps",
    "Estimate",
    "Missing",
    "Mode",
    "Plan",
    "Progress",
    "Scoring",
    "Trial",
    "count_missing",
    "count_unknown",
    "estimate",
    "find_kinds",
    "forget_batches",
    "group_subjects",
    "import_file",
    "is_scored",
    "parse_again",
    "producer_of",
    "reflect",
    "reflect_batch",
    "score",
    "spent_by",
    "trial",
]
