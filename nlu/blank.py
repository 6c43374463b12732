"""Modules without first values, for weights that are read from a file.

Filling millions of weights with random numbers takes a third of a second for nothing; on torch's meta device it even
imports torch's compiler, for more than a second and some 75 MB.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode


class Blank(TorchFunctionMode):
    """``with Blank():`` every module made in this thread keeps whatever its memory holds."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Leave out what ``torch.nn.init`` would do; everything else happens."""
        named = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else named.get("tensor")
        return func(*args, **named)
