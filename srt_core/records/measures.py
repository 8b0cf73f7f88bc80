"""Measures: every number that a candidate or a sample has, each registered once.

The columns of `panel` and `selection`, filters, orders, histograms, guards and exports follow from the registry. The
measures of this module come with every project; a method brings its own (see srt_core.methods).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from srt_core.records.origins import REWRITTEN_ORIGINS, Origin
from srt_core.records.pairs import Pair

Function = Callable[[Pair, Pair], float | None]
"""Computes a measure from the sample's original pair and the pair that is measured; None: it is not defined there."""


class Subject(StrEnum):
    """What has a measure."""

    CANDIDATE = "candidate"
    """Every candidate."""
    REWRITE = "rewrite"
    """Every candidate but the original."""
    SAMPLE = "sample"


class Source(StrEnum):
    """Where the numbers of a measure stand in the project file."""

    SCORE = "score"
    """A column of `score`, under the scoring in use."""
    CANDIDATE = "candidate"
    """A column of `candidate`, written with its texts."""
    LENGTH = "length"
    """The characters of the response."""
    VALUE = "value"
    """Rows of `measurement`, computed later by a step of their own."""
    SCORING = "scoring"
    """Rows of `measurement`, written with the scores of a scoring, which is their source; that in use is read."""
    ENCODING = "encoding"
    """The same, written with the vectors of an encoding."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that a candidate or a sample has.

    Attributes:
        name: its name in columns, filters, policies and exports; lower-case letters, digits and underscores.
        label, help: what it is called on screen, and one plain sentence of it.
        example: one worked in a few words, for the glossary.
        better: which way is better; "" where neither is.
        low, high, step: the range that a limit on it can take on screen.
        is_filter: whether filters bound it and histograms draw it.
        ranks: whether a top share can be taken by it.
        function: computes a measure of source VALUE; None: a step of its own does.
        version: of the function; what it computed under another version is not read.
        usual, usual_with: of source SCORING: the number of a candidate for which no row is written, where it has the
            score of that name; without that score it has none.
    """

    name: str
    label: str
    help: str
    better: Literal["higher", "lower", ""]
    subject: Subject = Subject.CANDIDATE
    source: Source = Source.VALUE
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    is_filter: bool = True
    ranks: bool = False
    function: Function | None = None
    version: str = "1"
    usual: float | None = None
    usual_with: str = ""
    example: str = ""

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The origins whose candidates have it; () where a sample does."""
        return {Subject.CANDIDATE: tuple(Origin), Subject.REWRITE: REWRITTEN_ORIGINS, Subject.SAMPLE: ()}[self.subject]

    def rows_of(self, scoring_id: int, encoding_id: int) -> str:
        """Return the source of its rows in `measurement` that are read where these are in use."""
        if self.source is Source.ENCODING:
            return encoding_source(encoding_id)
        return scoring_source(scoring_id) if self.source is Source.SCORING else self.version


def scoring_source(scoring_id: int) -> str:
    """Return the source of the rows of `measurement` that are written with the scores of a scoring."""
    return f"scoring {scoring_id}"


def encoding_source(encoding_id: int) -> str:
    """Return the source of the rows of `measurement` that are written with the vectors of an encoding."""
    return f"encoding {encoding_id}"


RESPONSE_READ, INSTRUCTION_READ, SEMANTIC_DRIFT = "response_read", "instruction_read", "semantic_drift"
COVERAGE_RANK, COVERAGE_GAIN = "coverage_rank", "coverage_gain"

MEASURES: tuple[Measure, ...] = (
    Measure(
        "ifd",
        "IFD",
        "IFD: how hard the response stays for the student once it has read the instruction. "
        "Higher means there is more to learn; 1 or more means the instruction does not help.",
        "higher",
        source=Source.SCORE,
        low=0.1,
        high=2.0,
        ranks=True,
        example="Loss 1.4 with the instruction and 2.0 without: IFD 0.70.",
    ),
    Measure(
        "r_ifd",
        "r-IFD",
        "r-IFD: how hard it is for the student to guess the instruction from the response. "
        "Lower means the response fits its instruction better.",
        "lower",
        source=Source.SCORE,
        low=0.1,
        high=2.0,
        example="The instruction costs 0.9 behind the response and 3.0 alone: r-IFD 0.30.",
    ),
    Measure(
        "loss_ratio",
        "Loss ratio",
        "The ratio of the two losses behind IFD. Never compared with IFD.",
        "higher",
        source=Source.SCORE,
        low=0.1,
        high=2.0,
        is_filter=False,
        ranks=True,
        example="1.4 behind 2.0 gives 0.70, by another way of cutting texts.",
    ),
    Measure(
        "characters",
        "Length",
        "Characters of the response.",
        "",
        source=Source.LENGTH,
        high=10_000.0,
        step=1.0,
        is_filter=False,
        example="Apple. has 6 characters.",
    ),
    Measure(
        "drift",
        "Drift",
        "Drift: how far what was rewritten went from the original and its context, by words. 0: all words of the "
        "shorter text are found in the other. 1: they share no topic word.",
        "lower",
        Subject.REWRITE,
        Source.CANDIDATE,
        example="Name a fruit, rewritten as Write a poem: 1.",
    ),
    Measure(
        SEMANTIC_DRIFT,
        "Semantic drift",
        "How far the rewrite's vector is from the original's: 1 minus their cosine. 0: the same direction. It says "
        "something only beside others of the same encoder.",
        "lower",
        Subject.REWRITE,
        Source.ENCODING,
        example="Name a fruit, rewritten as Name a kind of fruit: near 0.",
    ),
    Measure(
        "growth",
        "Length change",
        "How many times as long as the original's the new response is, in characters.",
        "",
        Subject.REWRITE,
        Source.CANDIDATE,
        high=10.0,
        step=0.05,
        example="A response of 60 characters where the original's had 20: 3.",
    ),
    Measure(
        RESPONSE_READ,
        "Response read",
        "How much of the response the student read, by tokens, for IFD: less than 1 where max length cut it.",
        "higher",
        source=Source.SCORING,
        usual=1.0,
        usual_with="ifd",
        example="Of a response of 4,000 tokens 2,000 had room: 0.5.",
    ),
    Measure(
        INSTRUCTION_READ,
        "Instruction read",
        "How much of the instruction the student read, by tokens, for r-IFD: less than 1 where max length cut it.",
        "higher",
        source=Source.SCORING,
        usual=1.0,
        usual_with="r_ifd",
        example="An instruction that fits whole: 1.",
    ),
    Measure(
        COVERAGE_RANK,
        "Coverage rank",
        "The place of the sample where each next one is the one that stands nearest to those not covered yet. 1 comes "
        "first. There once `srt cover` ranked what the rule leaves.",
        "lower",
        Subject.SAMPLE,
        Source.ENCODING,
        low=1.0,
        high=10_000.0,
        step=1.0,
        example="Of two samples alike, one has a low rank and the other a high one.",
    ),
    Measure(
        COVERAGE_GAIN,
        "Coverage gain",
        "By how much the sample raised the likeness of all others in its block to the nearest one chosen, when its "
        "turn came.",
        "higher",
        Subject.SAMPLE,
        Source.ENCODING,
        high=1_000.0,
        is_filter=False,
        example="0 where an equal sample was chosen before.",
    ),
)
"""The measures of every project, in the order in which they are shown."""
