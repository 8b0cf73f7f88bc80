"""Matrix products of rows with a student's weights.

MKL, which torch multiplies with on x86 processors, first copies a weight into an order of its own, at every product.
For blocks of a few hundred rows that takes a sixth of the time. So where memory is no concern the copies are made once,
through the two operations of torch that keep such a copy; they hold for a fixed number of rows, `BLOCK_ROWS`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

BLOCK_ROWS = 256
"""Rows per product: their activations stay in a core's cache until the next product reads them."""
_COPIED_BYTES = 4 * 2**30
"""Models of more bytes are not copied: their weights are most of what the process needs."""


def copies_pay(model: Any) -> bool:
    """Return whether products with this model's weights should use copies of them."""
    import torch

    mkl: Any = torch.backends.mkl
    is_small = sum(int(weight.nbytes) for weight in model.parameters()) <= _COPIED_BYTES
    return is_small and model.device.type == "cpu" and model.dtype is torch.float32 and bool(mkl.is_available())


def blocks(rows: int) -> Iterator[slice]:
    """Yield slices of BLOCK_ROWS rows, the last one of what is left."""
    for begin in range(0, rows, BLOCK_ROWS):
        yield slice(begin, min(rows, begin + BLOCK_ROWS))


class Projection:
    """rows @ weight.T + bias. Of float32 [rows, features in] it makes [rows, features out]."""

    def __init__(self, weight: "torch.Tensor", bias: "torch.Tensor | None", *, copied: bool) -> None:
        """Take a weight [features out, features in], and whether to keep a copy of it in MKL's order."""
        import torch

        self._weight, self._bias = weight, bias
        self._copy = torch.ops.mkl._mkl_reorder_linear_weight(weight, BLOCK_ROWS) if copied else None

    def __call__(self, rows: "torch.Tensor") -> "torch.Tensor":
        """Return the product, in memory of its own; the same whether there is a copy, but for rounding."""
        import torch

        if self._copy is not None and len(rows) == BLOCK_ROWS:
            made: torch.Tensor = torch.ops.mkl._mkl_linear(rows, self._copy, self._weight, self._bias, BLOCK_ROWS)
            return made
        return torch.nn.functional.linear(rows, self._weight, self._bias)


def projection_of(layers: "Sequence[torch.nn.Linear]", *, copied: bool) -> Projection:
    """Return one projection for layers that read the same rows: their outputs side by side.

    The layers' own weights become views of the joined one, so that they are in memory once.
    """
    import torch

    if len(layers) == 1:
        (layer,) = layers
        return Projection(layer.weight.detach(), None if layer.bias is None else layer.bias.detach(), copied=copied)
    sizes = [layer.out_features for layer in layers]
    weight = torch.cat([layer.weight.detach() for layer in layers])
    for layer, part in zip(layers, weight.split_with_sizes(sizes), strict=True):
        layer.weight.data = part
    if all(layer.bias is None for layer in layers):
        return Projection(weight, None, copied=copied)
    biases = [weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.detach() for layer in layers]
    return Projection(weight, torch.cat(biases), copied=copied)
