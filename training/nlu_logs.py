"""The course of a training as TensorBoard events: numbers by name and step, and never a text.

Knows nothing of networks. TensorBoard is the extra ``logs``; nothing here imports it unless there is a folder to
write to. W&B shows the same events where the user has installed and asked for it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

Record: TypeAlias = Callable[[str, float, int], None]
"""Told a figure's name, its value, and the step or pass that it belongs to."""

_PROJECT_VARIABLE = "WANDB_PROJECT"


def can_log() -> bool:
    """Whether TensorBoard is installed."""
    return find_spec("tensorboard") is not None


@contextmanager
def recorded(folder: Path | None) -> Iterator[Record | None]:
    """A record that becomes events in ``folder``; none without a folder."""
    if folder is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - seconds to import, for those who log

    writer: Any = SummaryWriter(str(folder))
    try:
        yield writer.add_scalar
    finally:
        writer.close()


@contextmanager
def mirrored(folder: Path | None, env: Mapping[str, str]) -> Iterator[None]:
    """Events written meanwhile go to W&B, too, where ``env`` names a project of it and it is installed."""
    if folder is None or not env.get(_PROJECT_VARIABLE) or find_spec("wandb") is None:
        yield
        return
    import wandb  # noqa: PLC0415 - only for those who use it

    folder.mkdir(parents=True, exist_ok=True)
    # What the terminal shows may quote the assistant's files.
    with wandb.init(dir=str(folder), sync_tensorboard=True, settings=wandb.Settings(console="off")):
        yield
