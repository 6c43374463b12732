"""Linear layers with 8-bit weights for inference on a CPU, and an embedding of the same kind.

Weights are rounded per output channel when they are loaded, activations when they come: each token is brought to the
same size, then all tokens of a call are rounded on one scale, which their highest and lowest value set. So what comes
out for a text depends a little on the texts beside it in a batch: by no more than on the rounding itself, and a fixed
scale is slower and farther from the full weights (training/LOG.md). At one token at a time a model runs as fast as its
weights are read, so a quarter of the bytes is a quarter of the time.
"""

import warnings

import torch
from torch import Tensor, nn

_RANGE = 127
_WIDE = torch.cpu._is_vnni_supported()
"""Whether sums of 8-bit products are kept in 32 bits; else activations have 7 bits, so that 16 hold the sum."""


class Int8Linear(nn.Module):
    """A linear layer. Input and output are float32 of shape (..., features)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self._bias = None if bias is None else bias.detach().float()
        rows, scales = rounded(weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces a successor outside of torch for these calls
            packable = torch._make_per_channel_quantized_tensor(
                rows, scales.double(), torch.zeros(len(scales), dtype=torch.long), 0
            )
            self._packed = torch.ops.quantized.linear_prepack(packable, None)

    def forward(self, rows: Tensor) -> Tensor:
        """The layer's output."""
        if rows[..., 0].numel() == 1:  # one token at a time, where each call counts
            return self._product(rows)
        # The kernel rounds all rows on one scale. The first token of a text has states a thousand times those of the
        # others, which would then be nothing: each row is brought to the same size first.
        sizes = rows.abs().amax(dim=-1, keepdim=True).clamp(min=1e-9)
        return self._product(rows / sizes, sizes)

    def _product(self, rows: Tensor, sizes: Tensor | None = None) -> Tensor:
        result: Tensor = torch.ops.quantized.linear_dynamic(rows, self._packed, reduce_range=not _WIDE)
        if sizes is not None:
            result = result * sizes
        return result if self._bias is None else result + self._bias


def with_int8_layers(module: nn.Module) -> None:
    """Replace every linear layer inside ``module``, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child.weight, child.bias))
        else:
            with_int8_layers(child)


class Int8Embedding(nn.Module):
    """Rows kept in 8 bits, given out as float32."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self._rows, self._scales = rounded(weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids (n) into rows (n, width)."""
        return self._rows[ids].float() * self._scales[ids].unsqueeze(-1)


def rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (rows, width) as 8-bit integers, and the scale of each row."""
    weight = weight.detach().float()
    scales = weight.abs().amax(dim=1).clamp(min=1e-8) / _RANGE
    return (weight / scales.unsqueeze(1)).round_().to(torch.int8), scales


def supported() -> bool:
    """Whether this machine's torch has 8-bit kernels (x86 has)."""
    return bool({"x86", "fbgemm", "onednn"} & set(torch.backends.quantized.supported_engines))
