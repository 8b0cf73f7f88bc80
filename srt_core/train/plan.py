"""What a run is asked for, and what it will be: which pairs in which order, how many steps and tokens."""

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from srt_core.errors import StudentError
from srt_core.train.tokens import TokenPairs

SAVE_SECONDS = 300.0
"""At most about so much work is lost where a run is killed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides a run's result, beside the pairs and the student."""

    student: str
    lora: int | None = None
    """The rank of a LoRA adapter; None: all weights are trained."""
    lora_alpha: int | None = None
    epochs: int = 3
    learning_rate: float | None = None
    """None: 2e-5 for all weights, as in the papers, and 2e-4 for an adapter."""
    batch_size: int = 128
    """Pairs a step."""
    micro_batch: int = 4
    """Pairs computed at once, on one device."""
    warmup: float = 0.03
    max_length: int = 2048
    seed: int = 1
    dtype: str = "auto"
    device: str = "auto"
    threads: int | None = None
    """Of a CPU; None: as many as there are cores."""
    max_tokens: int | None = None
    max_steps: int | None = None

    @property
    def rate(self) -> float:
        """The learning rate at its highest."""
        return self.learning_rate or (2e-4 if self.lora else 2e-5)

    @property
    def alpha(self) -> int:
        """What an adapter is scaled by, over its rank: twice the rank where not given."""
        return self.lora_alpha or 2 * (self.lora or 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will be. `order`: the pairs as they are read, by their place; tokens count prompts and responses."""

    order: tuple[int, ...]
    pairs: int
    tokens: int
    loss_tokens: int
    """Those that the loss runs over: responses and their ends."""
    steps: int
    longest: int
    cut: int
    """Pairs whose response max length cuts."""
    without: int
    """Pairs that are left out: no token of their response fits."""

    @property
    def epochs(self) -> float:
        """How often a pair is read, on average."""
        return len(self.order) / self.pairs

    def summary(self) -> dict[str, int | float]:
        """Return it without the order."""
        found = asdict(self)
        found.pop("order")
        return {**found, "read": len(self.order), "epochs": round(self.epochs, 3)}


def parse_lora(text: str) -> tuple[int | None, int | None]:
    """Read `r=16`, `16` or `r=16,alpha=32` as rank and alpha; None for "". StudentError for anything else."""
    if not text:
        return None, None
    found = re.fullmatch(r"(?:r=)?(\d+)(?:,alpha=(\d+))?", text.replace(" ", ""))
    if not found or not int(found[1]):
        raise StudentError(f"'{text}' is no rank of an adapter.", "Write --lora r=16, or --lora r=16,alpha=32.")
    return int(found[1]), int(found[2]) if found[2] else None


def make_plan(tokens: TokenPairs, settings: Settings) -> Plan:
    """Lay out the pairs of all epochs in the order in which they are read, up to the caps.

    Each epoch is shuffled by the seed. The order is data of the run, so that a resumed run reads what was left.

    Raises:
        StudentError: nothing can be trained on, or a cap leaves no pair.
    """
    if not tokens.pairs:
        raise StudentError(
            "No pair can be trained on: prompts fill the max length.", "Raise --max-length, or export other pairs."
        )
    lengths = [len(each.ids) for each in tokens.pairs]
    order = _order(lengths, settings)
    if not order:
        raise StudentError("The caps leave no pair to train on.", "Raise --max-tokens or --max-steps.")
    read = [tokens.pairs[place] for place in order]
    return Plan(
        order=tuple(order),
        pairs=len(tokens.pairs),
        tokens=sum(len(each.ids) for each in read),
        loss_tokens=sum(len(each.ids) - each.start for each in read),
        steps=-(-len(order) // settings.batch_size),
        longest=max(lengths),
        cut=sum(each.is_cut for each in tokens.pairs),
        without=len(tokens.without),
    )


def _order(lengths: Sequence[int], settings: Settings) -> list[int]:
    shuffled = random.Random(settings.seed)
    most = None if settings.max_steps is None else settings.max_steps * settings.batch_size
    order: list[int] = []
    left = settings.max_tokens
    for _ in range(settings.epochs):
        places = list(range(len(lengths)))
        shuffled.shuffle(places)
        for place in places:
            if left is not None:
                left -= lengths[place]
            if (left is not None and left < 0) or len(order) == most:
                return order
            order.append(place)
    return order


def whole_budget(settings: Settings, lengths: Sequence[int]) -> Settings:
    """Return the settings with as many epochs as it takes to read `max_tokens`."""
    return replace(settings, epochs=-(-(settings.max_tokens or 0) // max(1, sum(lengths))) or 1)


def key_of(export_sha256: str, student_stamp: str, settings: Settings) -> str:
    """Return what is equal for two commands that ask for the same run: 32 hex digits."""
    parts = [export_sha256, student_stamp, asdict(settings)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def save_every(steps: int, seconds_a_step: float | None) -> int:
    """Return after how many steps a checkpoint is written: some minutes of work, and a quarter of the run at most."""
    quarter = max(1, steps // 4)
    return quarter if seconds_a_step is None else max(1, min(quarter, int(SAVE_SECONDS / max(seconds_a_step, 1e-3))))
