"""The trial of a student when it is loaded: which way of batching gives right losses, and how right they are.

The losses of the trial's texts are computed in float64, one text at a time, by a copy of the model (what its modules
cast to float32 themselves, such as norms, stays there). The model's own forward in float32 is no measure: where a
trained model is sure of a token the loss is near 0, and most of the digits that float32 gives it are rounding. So
differences are taken in nats, not as a share of the loss, and a way of batching is right if no token's loss is further
from float64 than a decision can feel, or than the model's own forward in its dtype is, give or take rounding. Where a
copy in float64 would take too much memory, or the model's code fails in it, that forward is what is compared with.
"""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from srt_core.score.student import probe
from srt_core.score.student.attention import CannotPackError
from srt_core.score.student.failures import short_reason
from srt_core.score.student.packing import Batching, Pack, cut

if TYPE_CHECKING:
    import torch

    from srt_core.score.student.forward import Forward

_UNFELT_NATS = 2e-5
"""A token's loss that is off by this moves an IFD, which thresholds give with three digits, in its fifth."""
_TIMES_OWN_ERROR = 3.0
"""Where float32 itself is off by more, sums in another order may be off by so many times as much."""
_UNFELT_WITHOUT_FLOAT64 = 1e-4
"""The same between two computations in float32, of which either may be the one that is off."""
_ROUGH_NATS = 0.2
"""The same in half precision, which is for previews."""
_FLOAT64_BYTES = 4 * 2**30
"""A larger copy in float64 is not made."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome: the fastest right batching, why no faster one, and how far a token's loss was off, in words."""

    batching: Batching
    reason: str
    agreement: str


def tried(model: Any, forward: "Forward", texts: Pack, obstacle: str) -> Trial:
    """Choose the batching of a student, and leave `forward` ready for it; `obstacle`: what rules out packs, or ""."""
    own = forward.nlls(texts, Batching.SINGLE)
    reference = _reference(model, texts, own)
    if forward.head is None:
        return Trial(Batching.SINGLE, "its output head does more than multiply", reference.words(reference.own_error))
    reason = obstacle
    if not obstacle:
        off, reason = _compared(forward, Batching.PACKED, texts, reference)
        if reason and forward.decoder:
            forward.decoder = None
            off, reason = _compared(forward, Batching.PACKED, texts, reference)
        if not reason:
            return Trial(Batching.PACKED, "", reference.words(off))
    forward.set_packing(on=False)
    off, is_wrong = _compared(forward, Batching.PADDED, texts, reference)
    if is_wrong:
        return Trial(Batching.SINGLE, reason, reference.words(reference.own_error))
    return Trial(Batching.PADDED, reason, reference.words(off))


@dataclass(frozen=True, slots=True)
class _Reference:
    """Right losses. `own_error`: how far the model's own forward is off, in nats; 0 where it is the reference."""

    nlls: "list[torch.Tensor]"
    own_error: float
    allowed: float
    name: str

    def words(self, off: float) -> str:
        """Return the sentence that a scoring stores; differences below float32's own digits are not told apart."""
        return f"Token losses are within {max(off, 1e-7):.0e} nats of {self.name}."


def _reference(model: Any, texts: Pack, own: "list[torch.Tensor]") -> _Reference:
    exact = _in_float64(model, texts)
    if exact is None:
        dtype = str(model.dtype).removeprefix("torch.")
        allowed = _UNFELT_WITHOUT_FLOAT64 if dtype == "float32" else _ROUGH_NATS
        return _Reference(own, 0.0, allowed, f"the model's own forward in {dtype}")
    own_error = _worst(own, exact)
    return _Reference(exact, own_error, max(_UNFELT_NATS, _TIMES_OWN_ERROR * own_error), "float64")


def _in_float64(model: Any, texts: Pack) -> "list[torch.Tensor] | None":
    import torch
    from torch.nn.functional import cross_entropy

    if 8 * sum(weight.numel() for weight in model.parameters()) > _FLOAT64_BYTES:
        return None
    found = []
    weights = {id(weight): torch.nn.Parameter(weight.double(), requires_grad=False) for weight in model.parameters()}
    twin = copy.deepcopy(model, weights).double()  # deepcopy takes these for copies that it has made already
    try:
        with torch.inference_mode():
            for text in texts:
                ids = torch.tensor([text.ids], device=model.device)
                logits = twin(input_ids=ids, use_cache=False).logits[0, text.start - 1 : -1].double()
                found.append(cross_entropy(logits, ids[0, text.start :], reduction="none").cpu())
    except (RuntimeError, TypeError, ValueError):  # code that asks for float32 or half precision
        return None
    return found


def _compared(forward: "Forward", batching: Batching, texts: Pack, reference: _Reference) -> tuple[float, str]:
    """Return how far a way of batching is off, in nats a token, and what is wrong with it, "" for nothing."""
    (pack,) = cut(texts, len(texts) * probe.TOKENS, batching)
    try:
        forward.set_packing(on=batching is Batching.PACKED and not forward.decoder)
        found = dict(zip(pack, forward.nlls(pack, batching), strict=True))
    except CannotPackError as error:
        return 0.0, str(error)
    except (ValueError, TypeError, LookupError, RuntimeError) as error:  # no place for an attention function
        return 0.0, f"its layers take no attention function ({short_reason(error)})"
    off = _worst([found[text] for text in texts], reference.nlls)
    if off <= reference.allowed:
        return off, ""
    return off, f"its losses in packs are off by {off:.0e} nats from those of one text at a time"


def _worst(found: "list[torch.Tensor]", expected: "list[torch.Tensor]") -> float:
    """Return the largest difference of a token's loss; NaN counts as 0 and is found in scoring."""
    pairs = zip(found, expected, strict=True)
    return max(float((one.double() - other.double()).nan_to_num(0, 0, 0).abs().max()) for one, other in pairs)
