"""What the HTTP API asks of the place where releases are made and judged. The program fills it in."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from bot.dialogue.parse import Json


class Workshop(Protocol):
    """One job at a time: raises WorkshopBusy for a second one, Faulty for data that cannot be used, WorkshopError."""

    @property
    def active_trainings(self) -> int:
        """How many trainings run."""
        ...

    def train(self, text: str, *, keep: bool, force: bool, threads: int) -> AbstractAsyncContextManager[Path]:
        """Train on the YAML of a whole assistant; the archive of the release is there within the block.

        ``keep``: the release also stays with the assistant's others, and does not answer before it is asked to.
        """
        ...

    async def test_stories(self, text: str, *, e2e: bool) -> Mapping[str, Json]:
        """Play test stories against the release that answers."""
        ...

    async def test_intents(self, text: str, *, release: str | None) -> Mapping[str, Json]:
        """Judge a release, by default the one that answers, on NLU examples. Raises ReleaseError."""
        ...

    async def cross_validate(self, text: str, *, folds: int) -> Mapping[str, Json]:
        """Train without a part of the NLU examples, judge that part, and so on."""
        ...
