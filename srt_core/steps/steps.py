"""The long steps, in the order of the work. Adding one is adding its record here; app and command line then run it."""

from collections.abc import Mapping

from srt_core.steps.arms import ARMS
from srt_core.steps.coach import COACH_EDITS, COACH_EXPORT, COACH_REVISE, COACH_TRIAL
from srt_core.steps.cover import COVER
from srt_core.steps.encode import ENCODE
from srt_core.steps.estimate import ESTIMATE
from srt_core.steps.evaluate import EVALUATE
from srt_core.steps.explain import EXPLAIN
from srt_core.steps.importing import IMPORT
from srt_core.steps.kinds import KINDS
from srt_core.steps.lift import EXPAND, JUDGE, VARY
from srt_core.steps.marks import MARKS
from srt_core.steps.measure import MEASURE
from srt_core.steps.parse_again import PARSE_AGAIN
from srt_core.steps.reflect import REFLECT
from srt_core.steps.rewrite import REWRITE
from srt_core.steps.score import SCORE
from srt_core.steps.step import Step
from srt_core.steps.synthesize import SYNTHESIZE
from srt_core.steps.train import PLAN_TRAINING, PRINT_TRAINING, TRAIN
from srt_core.steps.triage import TRIAGE
from srt_core.steps.trial import TRIAL
from srt_core.steps.unlearn import UNLEARN
from srt_core.steps.warmup import WARMUP

STEPS: Mapping[str, Step] = {
    step.name: step
    for step in (
        IMPORT,
        REFLECT,
        ESTIMATE,
        TRIAL,
        PARSE_AGAIN,
        SCORE,
        ENCODE,
        COVER,
        MEASURE,
        TRIAGE,
        REWRITE,
        SYNTHESIZE,
        COACH_EDITS,
        COACH_EXPORT,
        COACH_REVISE,
        COACH_TRIAL,
        KINDS,
        MARKS,
        EXPLAIN,
        WARMUP,
        TRAIN,
        PLAN_TRAINING,
        PRINT_TRAINING,
        EVALUATE,
        ARMS,
        UNLEARN,
        EXPAND,
        VARY,
        JUDGE,
    )  # fmt: skip
}
