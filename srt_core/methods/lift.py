"""LIFT (arXiv 2312.11508): make a set harder in rounds, then keep what stands out and what a judge rates high.

Variety is computed over vectors: each number scaled to mean 0 and population deviation 1, then the principal components
that hold 95 % of the variance. The authors take the variance of a row across its components. That changes with the sign
of a component, which is arbitrary; here the largest loading of each is positive, and beside it stands the mean square,
which no sign changes. Both find outliers, not coverage of the whole.

Quality is a judge's four parts, at most 100 together, and a length part: 0.9 of the one and 0.1 of the other.
"""

from dataclasses import dataclass
from typing import Any

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Guard, Measure, Policy, Rounding, ShareOf, Source, Subject

ROW_VARIANCE, MEAN_SQUARE, QUALITY, LIMIT = "row_variance", "mean_square", "lift_quality", "min_row_variance"
PARTS = {"clarity": 15, "difficulty": 25, "explanation": 25, "accuracy": 35}
"""The parts of a judgement, each with the most points that it can give."""
SHARE_OF_VARIANCE = 0.95
LONGEST = 0.98
"""The quantile of lengths from which on a longer pair gains nothing."""
JUDGE_WEIGHT, LENGTH_WEIGHT = 0.9, 0.1

METHOD = Method(
    name="lift",
    label="LIFT",
    paper="arXiv 2312.11508",
    summary="Have a teacher make the pairs harder in rounds, then keep the samples that stand out and that people or a "
    "judge rate high.",
    teacher=(),
    needs_student=False,
    policies=(
        Policy(
            name="lift",
            method="lift",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.NEVER,
            require_response_reflection=False,
            top_share=20.0,
            rank_by=QUALITY,
            share_of=ShareOf.KEPT,
            share_rounding=Rounding.FLOOR,
            limits=(),
        ),
    ),
    dials=(LIMIT, "top_share", "rank_by", "share_of", "share_rounding"),
    measures=(
        Measure(
            ROW_VARIANCE,
            "Variety",
            "How unequal a sample's principal components are: the variance across them. High ones are outliers among "
            "the vectors; it says nothing of how well a choice covers the rest.",
            "higher",
            Subject.SAMPLE,
            Source.ENCODING,
            high=10.0,
            example="Components 2.6 and 1.8: 0.16.",
        ),
        Measure(
            MEAN_SQUARE,
            "Variety, mean square",
            "How far out a sample is: the mean square of its principal components, whatever their signs. An outlier.",
            "higher",
            Subject.SAMPLE,
            Source.ENCODING,
            high=10.0,
            example="Components 2.6 and 1.8: 5.02.",
        ),
        Measure(
            QUALITY,
            "Judged quality",
            "0.9 of a judgement of 100 points and 0.1 of the length of the pair, in points too. None where nobody "
            "judged it.",
            "higher",
            high=100.0,
            step=1.0,
            ranks=True,
            example="92 points and 6.48 for the length: 83.4.",
        ),
    ),
    guards=(
        Guard(
            LIMIT,
            ROW_VARIANCE,
            "low",
            is_open=True,
            reason="not_varied",
            label="Variety must be above",
            help="Leave a sample out when its variety is not above this. `srt vary --keep 20` says which limit keeps a "
            "fifth.",
            reason_label="Like many others",
            least=None,
        ),
    ),
    needs=("an OpenAI-compatible teacher (srt expand)", "vectors (srt encode) for variety",
           "people or a judge behind an endpoint for quality"),
    commands=("expand", "encode", "vary", "judge", "select"),
    place=40,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Components:
    """Principal components: `mean` and `scale` of each number, float64 [numbers]; `loadings` [components, numbers]."""

    mean: Any
    scale: Any
    loadings: Any
    shares: Any
    """The share of the variance that the components up to each hold, of all there are: float64 [numbers]."""


class Moments:
    """Sums over rows of vectors, from which the components of all follow: any number of rows in bounded memory."""

    def __init__(self, numbers: int) -> None:
        import numpy as np

        self.rows = 0
        self._sum, self._products = np.zeros(numbers), np.zeros((numbers, numbers))
        self._origin: Any = None

    def add(self, rows: Any) -> None:
        """Take in rows, float [rows, numbers]; they are shifted by the first, so that no precision is lost."""
        import numpy as np

        given = np.asarray(rows, dtype=np.float64)
        if self._origin is None:
            self._origin = given[0].copy()
        given = given - self._origin
        self.rows += len(given)
        self._sum += given.sum(axis=0)
        self._products += given.T @ given

    def components(self) -> Components:
        """Return the fewest components that hold 95 % of the variance of the scaled numbers.

        The loading of largest size in each is positive. ValueError where all rows are equal.
        """
        import numpy as np

        mean = self._sum / self.rows
        covariance = self._products / self.rows - np.outer(mean, mean)
        variance = np.diag(covariance).copy()
        is_constant = variance <= 1e-12 * np.maximum(1.0, np.abs(self._products.diagonal() / self.rows))
        scale = np.where(is_constant, 1.0, np.sqrt(np.maximum(variance, 0)))
        covariance = covariance / np.outer(scale, scale)
        covariance[is_constant, :] = covariance[:, is_constant] = 0
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1].T
        if not values.sum() > 0:
            raise ValueError("all rows are equal")
        shares = np.cumsum(values) / values.sum()
        needed = int(np.searchsorted(shares, SHARE_OF_VARIANCE)) + 1
        loadings = vectors[:needed]
        signs = np.sign(loadings[np.arange(needed), np.argmax(np.abs(loadings), axis=1)])
        return Components(mean + self._origin, scale, loadings * signs[:, None], shares)


def variety(rows: Any, found: Components) -> tuple[Any, Any]:
    """Return the variance across a row's components (population) and their mean square: float64 [rows] each."""
    import numpy as np

    scores = (np.asarray(rows, dtype=np.float64) - found.mean) / found.scale @ found.loadings.T
    return scores.var(axis=1), (scores**2).mean(axis=1)


def limit_of(values: Any, keep: float) -> float:
    """Return the percentile above which a share (percent) lies. Ties at it keep fewer: what is kept is above it."""
    import numpy as np

    return float(np.percentile(np.asarray(values, dtype=np.float64), 100 - keep))


def total_of(parts: dict[str, float]) -> float:
    """Return the points of a judgement. ValueError where a part is missing, unknown, or not within its bounds."""
    if set(parts) != set(PARTS):
        raise ValueError(f"a judgement has {', '.join(PARTS)}")
    for name, points in parts.items():
        if not 0 <= points <= PARTS[name]:
            raise ValueError(f"{name} is {points:g}, and can be 0 to {PARTS[name]}")
    return float(sum(parts.values()))


def quality(total: float, characters: int, longest: float) -> float:
    """Return a pair's quality: its points, and its length against `longest`, the 98th percentile of characters."""
    return JUDGE_WEIGHT * total + LENGTH_WEIGHT * 100 * min(1.0, characters / longest)
