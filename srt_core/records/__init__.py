"""The nouns of the product, frozen, and what is data of them.

contexts    what stands before a pair: a system text and earlier turns
pairs       a pair
origins     where candidates come from: ORIGINS, the graph of a sample's candidates
scores      losses and scores
candidates  a candidate with what it measures
measures    every number that a candidate or a sample has: MEASURES
policies    the options and guards of the selection rule: Policy, GUARDS
producers   what can make a candidate
decisions   what a person decides
counted     a number with its noun
"""

from srt_core.records.candidates import Candidate
from srt_core.records.contexts import NO_CONTEXT, Context, Role, Turn
from srt_core.records.counted import counted, plural
from srt_core.records.decisions import Action, Decision
from srt_core.records.measures import (
    COVERAGE_GAIN,
    COVERAGE_RANK,
    INSTRUCTION_READ,
    MEASURES,
    RESPONSE_READ,
    SEMANTIC_DRIFT,
    Function,
    Measure,
    Source,
    Subject,
    encoding_source,
    scoring_source,
)
from srt_core.records.origins import (
    DERIVATIONS,
    ORIGINS,
    REFLECTIONS,
    REWRITTEN_ORIGINS,
    Derivation,
    Origin,
    Stage,
    derived_by,
    revised_origin,
)
from srt_core.records.pairs import Pair
from srt_core.records.palette import ORIGIN_COLOURS, REVIEWER_COLOUR
from srt_core.records.policies import GUARDS, OPTIONS, Acceptance, Guard, Policy, Reason, Rounding, Selection, ShareOf
from srt_core.records.producers import ProducerKind
from srt_core.records.scores import AddedLoss, AddedScore, CandidateLosses, Loss, LossRequest, LossStatus, Score

__all__ = [
    "COVERAGE_GAIN",
    "COVERAGE_RANK",
    "DERIVATIONS",
    "GUARDS",
    "INSTRUCTION_READ",
    "MEASURES",
    "NO_CONTEXT",
    "OPTIONS",
    "ORIGINS",
    "ORIGIN_COLOURS",
    "REFLECTIONS",
    "RESPONSE_READ",
    "REVIEWER_COLOUR",
    "REWRITTEN_ORIGINS",
    "Acceptance",
    "Action",
    "AddedLoss",
    "AddedScore",
    "Candidate",
    "CandidateLosses",
    "Context",
    "Decision",
    "Derivation",
    "Function",
    "Guard",
    "Loss",
    "LossRequest",
    "LossStatus",
    "Measure",
    "Origin",
    "Pair",
    "Policy",
    "ProducerKind",
    "Reason",
    "Role",
    "Rounding",
    "Score",
    "Selection",
    "ShareOf",
    "Source",
    "Stage",
    "Subject",
    "Turn",
    "counted",
    "derived_by",
    "SEMANTIC_DRIFT",
    "encoding_source",
    "plural",
    "revised_origin",
    "scoring_source",
]
