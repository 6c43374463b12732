"""What a bot sends to labelled questions, measured by ``kefu evaluate answers`` in a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bot.errors import BenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersSet:
    """Questions to a knowledge, or with their passages given (``squad``); paths below the data folder.

    ``limit``: so many questions are asked, evenly over the file.
    """

    code: ClassVar[str] = "bot.commands.answers"

    limit: int
    queries: str = ""
    knowledge: str = ""
    squad: str = ""
    language: str = "en"
    base: str

    @property
    def files(self) -> tuple[str, ...]:
        """What must be there; a folder stands for all that is in it."""
        return (self.squad,) if self.squad else (self.queries, self.knowledge)

    def __call__(self, data: Path) -> dict[str, float]:
        """The figures of ``training.evaluate_answers`` that are known. Raises BenchError."""
        asked = ["--squad", str(data / self.squad)]
        if not self.squad:
            asked = ["--queries", str(data / self.queries), "--knowledge", str(data / self.knowledge)]
        options = [*asked, "--limit", str(self.limit), "--language", self.language, "--encoder", self.base, "--json"]
        command = [sys.executable, "-m", "bot.cli", "evaluate", "answers", *options]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        if not done.stdout:  # exit code 1 alone says that something unsupported was sent, which the figures say too
            raise BenchError(f"kefu evaluate answers failed: {done.stderr[-2000:]}")
        return {name: value for name, value in json.loads(done.stdout).items() if isinstance(value, int | float)}
