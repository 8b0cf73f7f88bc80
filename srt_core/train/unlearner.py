"""Trains the adapter under which a student answers as if it had not read some pairs: the only other user of torch here.

The student's weights are frozen and checked: they are the same bits afterwards, and without the adapter its logits are.
"""

import hashlib
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.methods.unlearning import Weights, withdrawal_loss
from srt_core.score.student import fingerprint, load_model, max_length_limit
from srt_core.train.tokens import TokenPair

MLP_OUTPUTS = (
    "mlp.down_proj", "mlp.c_proj", "mlp.dense_4h_to_h", "mlp.fc2", "mlp.fc_out", "mlp.w2", "feed_forward.w2",
    "block_sparse_moe.output_linear", "fc2",
)  # fmt: skip
"""What the last layer of an MLP is called, by architecture."""
_STATE, _STEP = "state.pt", 10


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the adapter is trained, beside the weights of the loss."""

    rank: int = 4
    learning_rate: float = 5e-3
    steps: int = 60
    batch: int = 8
    """Kept pairs a step, and forgotten ones at most."""
    seed: int = 1


class Unlearner:
    """A student with an adapter behind its MLPs, which is at first no change."""

    def __init__(self, student: str, recipe: Recipe, device: str) -> None:
        import torch

        _require_peft()
        from peft import LoraConfig, get_peft_model

        model, tokenizer = load_model(student, device=device, dtype="float32")
        self.fingerprint = fingerprint(model, tokenizer)
        self.limit = max_length_limit(model, tokenizer)
        self.recipe = recipe
        found = [name for name in MLP_OUTPUTS if any(each.endswith(f".{name}") for each, _ in model.named_modules())]
        if not found:
            raise StudentError(
                f"It is not known which layers of {student} end its MLPs.",
                f"They are looked for by name: {', '.join(MLP_OUTPUTS)}.",
            )
        turned = any(
            type(layer).__name__ == "Conv1D" for name, layer in model.named_modules() if name.endswith(found[0])
        )
        torch.manual_seed(recipe.seed)
        config = LoraConfig(
            r=recipe.rank, lora_alpha=2 * recipe.rank, lora_dropout=0.0, target_modules=found[:1],
            fan_in_fan_out=turned, task_type="CAUSAL_LM", base_model_name_or_path=student,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of transformers, to PEFT
            self.model: Any = get_peft_model(model, config)
        self.model.eval()  # dropout would be no difference that anybody asked for
        self.before = self._digest()

    def losses(self, pairs: Sequence[TokenPair], *, adapted: bool) -> Iterator[float]:
        """Yield the mean loss of each pair's response, in nats a token, with or without the adapter."""
        import torch

        for first in range(0, len(pairs), self.recipe.batch):
            batch = pairs[first : first + self.recipe.batch]
            with torch.no_grad():
                logits = self._logits(batch, adapted=adapted)
                yield from (float(each) for each in _losses(logits, batch))

    def train(
        self, kept: Sequence[TokenPair], forgotten: Sequence[TokenPair], weights: Weights, folder: Path
    ) -> Iterator[tuple[int, float]]:
        """Train step by step and yield each step's number, from 1, and loss; goes on where a killed run stopped.

        `folder` keeps the state of the latest tenth step. StudentError where a loss is no finite number.
        """
        import torch
        from peft import get_peft_model_state_dict, set_peft_model_state_dict

        optimizer = torch.optim.AdamW(
            [each for each in self.model.parameters() if each.requires_grad], lr=self.recipe.learning_rate,
            weight_decay=0.0,
        )  # fmt: skip
        done = 0
        if (folder / _STATE).is_file():
            state = torch.load(folder / _STATE, weights_only=True)
            done = state["step"]
            set_peft_model_state_dict(self.model, state["adapter"])
            optimizer.load_state_dict(state["optimizer"])
        for step, batch in enumerate(_batches(kept, forgotten, self.recipe), start=1):
            if step <= done:
                continue
            loss = self._loss(*batch, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            value = float(loss.detach())
            if not abs(value) < float("inf"):
                raise StudentError(f"The loss of step {step} is no finite number.", "Lower --learning-rate.")
            if step % _STEP == 0 or step == self.recipe.steps:
                state = {"step": step, "adapter": get_peft_model_state_dict(self.model)}
                torch.save({**state, "optimizer": optimizer.state_dict()}, folder / f"{_STATE}.part")
                (folder / f"{_STATE}.part").rename(folder / _STATE)
            yield step, value

    def check(self, pairs: Sequence[TokenPair], logits: Any) -> None:
        """StudentError unless the student is as it was: the same bits, the same logits without the adapter."""
        import torch

        if self._digest() != self.before or not torch.equal(self.first_logits(pairs), logits):
            raise StudentError("The student itself was changed.", "Do not use the adapter: this is an error of srt.")

    def first_logits(self, pairs: Sequence[TokenPair]) -> Any:
        """Return the logits of the first pairs without the adapter."""
        import torch

        with torch.no_grad():
            return self._logits(pairs[: self.recipe.batch], adapted=False).clone()

    def save(self, folder: Path) -> None:
        """Write the adapter, which any reader of PEFT's adapters puts on the student."""
        self.model.save_pretrained(folder)
        (folder / _STATE).unlink(missing_ok=True)

    def _digest(self) -> str:
        """Return a hash of every weight of the student itself, bit for bit."""
        import torch

        whole = hashlib.sha256()
        for name, each in sorted(self.model.named_parameters()):
            if "lora_" not in name:
                whole.update(name.encode())
                whole.update(each.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return whole.hexdigest()

    def _logits(self, batch: Sequence[TokenPair], *, adapted: bool) -> Any:
        """Return the logits of a batch, float [pairs, longest, vocabulary]; tokens behind a pair's end see no loss."""
        import torch

        longest = max(len(each.ids) for each in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for place, each in enumerate(batch):
            ids[place, : len(each.ids)] = torch.tensor(each.ids)
            seen[place, : len(each.ids)] = 1
        given = {"input_ids": ids.to(self.model.device), "attention_mask": seen.to(self.model.device)}
        if adapted:
            return self.model(**given).logits
        with self.model.disable_adapter():
            return self.model(**given).logits

    def _loss(self, kept: Sequence[TokenPair], forgotten: Sequence[TokenPair], weights: Weights) -> Any:
        import torch

        with torch.no_grad():
            frozen_kept, frozen = (self._logits(batch, adapted=False) for batch in (kept, forgotten))
            own = _losses(frozen, forgotten)
        adapted_kept, adapted = (self._logits(batch, adapted=True) for batch in (kept, forgotten))
        return withdrawal_loss(
            _divergences(frozen_kept, adapted_kept, kept).mean(), _divergences(frozen, adapted, forgotten),
            _losses(adapted_kept, kept).mean(), _losses(adapted, forgotten), own, weights,
        ).mean()  # fmt: skip


def _require_peft() -> None:
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise StudentError(
            "The package that makes adapters is not installed.", "Install it with: pip install 'srt-curator[train]'."
        ) from error


def _losses(logits: Any, batch: Sequence[TokenPair]) -> Any:
    """Return the mean loss of each pair's response, in nats a token: float [pairs]."""
    import torch

    each = [
        torch.nn.functional.cross_entropy(
            row[pair.start - 1 : len(pair.ids) - 1], torch.tensor(pair.ids[pair.start :], device=row.device)
        )
        for row, pair in zip(logits, batch, strict=True)
    ]
    return torch.stack(each)


def _divergences(frozen: Any, adapted: Any, batch: Sequence[TokenPair]) -> Any:
    """Return KL(F, F_a) of each pair's response, in nats a token, the mean over its tokens: float [pairs]."""
    import torch

    found = []
    for one, other, pair in zip(frozen, adapted, batch, strict=True):
        of_frozen, of_adapted = (
            torch.log_softmax(each[pair.start - 1 : len(pair.ids) - 1], dim=-1) for each in (one, other)
        )
        found.append((of_frozen.exp() * (of_frozen - of_adapted)).sum(-1).mean())
    return torch.stack(found)


def _batches(
    kept: Sequence[TokenPair], forgotten: Sequence[TokenPair], recipe: Recipe
) -> Iterator[tuple[list[TokenPair], list[TokenPair]]]:
    """Yield kept and forgotten pairs of each step, both in an order that the seed decides, over and over."""
    draw = random.Random(recipe.seed)
    sides = [_endless(side, draw) for side in (kept, forgotten)]
    for _ in range(recipe.steps):
        yield (
            [next(sides[0]) for _ in range(min(recipe.batch, len(kept)))],
            [next(sides[1]) for _ in range(min(recipe.batch, len(forgotten)))],
        )


def _endless(pairs: Sequence[TokenPair], draw: random.Random) -> Iterator[TokenPair]:
    order = list(pairs)
    while True:
        draw.shuffle(order)
        yield from order
