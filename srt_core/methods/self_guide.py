"""SELF-GUIDE (arXiv 2407.12874): the student writes inputs of a task and answers them; guards say what is taken.

    input    not empty, as long as the examples' inputs, without noise, not written before
    answer   stripped, not empty, as long as the examples' answers, without noise, of a class the class's name
    set      the answer that most of n tries agree on, by enough of all n; as many of each class as of the rarest

Every guard is a pure function that says in a few words what it found, so that nothing is dropped without a reason.
Where the authors' code differs from what is sensible, ours is: the share of agreement is of all n tries and not of
those that other guards left, and the window of lengths is at least half the mean wide to each side (their three
examples of equal length accept nothing).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Guard, Measure, Pair, Policy

NOISE = (
    "as an ai", "i cannot assist", "i can't assist", "language model", "sure, here", "here is an example",
    "here's an example", "new input:", "[input]", "[/input]", "<input>", "</input>", "### instruction", "### response",
    "example input", "example output", "lorem ipsum", "```",
)  # fmt: skip
"""What a text that a student writes of a task holds where it speaks of the task; fixed, so that no call adds to it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a guard says of a text: whether it holds, and what was found."""

    passed: bool
    detail: str = ""


def not_empty(text: str) -> Found:
    """Say whether there is any text."""
    return Found(bool(text.strip()), "" if text.strip() else "nothing was written")


def window(lengths: Sequence[int]) -> tuple[int, int]:
    """Return from and below which length in characters a text is as long as examples: two deviations about the mean.

    The deviation is that of the whole; half the mean at least on each side. Ends are cut towards zero.
    """
    mean = fmean(lengths)
    half = max(2 * pstdev(lengths), mean / 2)
    return int(mean - half), int(mean + half)


def has_length(text: str, lengths: Sequence[int]) -> Found:
    """Say whether a text is as long as examples of these lengths."""
    low, high = window(lengths)
    return Found(low <= len(text) < high, f"{len(text):,} characters, {max(low, 0):,} to {high - 1:,} are usual")


def noise_words(text: str) -> list[str]:
    """Return what a text holds of NOISE."""
    lower = text.lower()
    return [each for each in NOISE if each in lower]


def without_noise(text: str) -> Found:
    """Say whether a text keeps to its task and does not speak of it."""
    found = noise_words(text)
    return Found(not found, f"it holds “{found[0]}”" if found else "")


def is_new(text: str, before: Mapping[str, object]) -> Found:
    """Say whether a text was not written before; white space at its ends does not count."""
    is_there = text.strip() in before
    return Found(not is_there, "the same was written before" if is_there else "")


def folded(text: str) -> str:
    """Return an answer without case, full stops and white space at its ends."""
    return text.strip().rstrip(".").strip().casefold()


def label_of(text: str, labels: Sequence[str]) -> str | None:
    """Return the class whose name an answer is, case and full stop aside; None for none."""
    return next((label for label in labels if folded(label) == folded(text)), None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What most answers say: the answer (None: too few say it), how many of all tries say it, and what else ties."""

    winner: str | None
    votes: int
    tries: int
    ties: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of all tries, also those that another guard held back."""
        return self.votes / self.tries


def agreement(answers: Sequence[str], tries: int, least: float, *, fold: bool = False) -> Agreement:
    """Return what most answers say, as `answers` first wrote it; of ties the shortest, then the first.

    `tries` is how many were asked for: answers that other guards held back count as disagreeing. `fold` compares them
    without case and full stop. ValueError for no tries.
    """
    if tries < 1:
        raise ValueError("agreement needs at least one try")
    if not answers:
        return Agreement(None, 0, tries, ())
    spelled: dict[str, str] = {}
    counts = Counter[str]()
    for answer in answers:
        key = folded(answer) if fold else answer
        spelled.setdefault(key, answer)
        counts[key] += 1
    most = max(counts.values())
    ties = tuple(spelled[key] for key in spelled if counts[key] == most)
    winner = min(ties, key=len)
    return Agreement(winner if most / tries >= least else None, most, tries, ties)


def balanced(labels: Sequence[str]) -> list[int]:
    """Return the places of labels to keep, as many of each as there are of the rarest, the first ones."""
    if not labels:
        return []
    most = min(Counter(labels).values())
    seen = Counter[str]()
    kept = []
    for place, label in enumerate(labels):
        seen[label] += 1
        if seen[label] <= most:
            kept.append(place)
    return kept


def _noise(_original: Pair, pair: Pair) -> float | None:
    return float(len(noise_words(f"{pair.instruction}\n{pair.input}\n{pair.response}")))


METHOD = Method(
    name="self_guide",
    label="SELF-GUIDE",
    paper="arXiv 2407.12874",
    summary="The student writes inputs of a task and answers them itself; guards and agreement of its tries say what "
    "is taken. Its noise guard serves rewrites of teachers too.",
    teacher=(),
    needs_student=False,
    policies=(
        Policy(
            name="self-guide",
            method="self_guide",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.NEVER,
            require_response_reflection=False,
            limits=(("max_noise_phrases", 0.0),),
        ),
    ),
    dials=("accept_instruction", "accept_response", "max_noise_phrases"),
    measures=(
        Measure(
            "noise_phrases",
            "Noise",
            "How many phrases a version holds with which a model speaks of its task in place of doing it.",
            "lower",
            high=5.0,
            step=1.0,
            function=_noise,
            example="As an AI language model, I …: 2.",
        ),
    ),
    guards=(
        Guard(
            "max_noise_phrases",
            "noise_phrases",
            "high",
            is_open=False,
            reason="noisy",
            label="Most noise",
            help="Leave a sample out when its version holds more phrases of noise than this.",
            reason_label="Too much noise",
            initial=0.0,
        ),
    ),
    place=6,
)
