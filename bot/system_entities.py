"""Who finds times, numbers, amounts and addresses in a message: our own finder, or the Duckling server of the operator.

Either gives what Rasa's DucklingEntityExtractor gives, and neither ever stops a turn: what cannot be found in time is
left out, with a warning in the log. Knows nothing of intents.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from bot.dialogue.parse import Entity, Json
from bot.dialogue.project import Config
from nlu.errors import SystemEntitiesError
from nlu.system_entities import DIMENSIONS, TEXT_LENGTH, Reading, SystemEntityFinder, locale_of

logger = logging.getLogger(__name__)

COMPONENTS = ("DucklingEntityExtractor", "DucklingHTTPExtractor")
EXTRACTOR = COMPONENTS[0]
"""What an entity says of its origin, as in Rasa, so that slot mappings and action code need no change."""
URL_VARIABLE = "RASA_DUCKLING_HTTP_URL"
"""Rasa's variable for the server's address; it wins over config.yml."""
TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What config.yml asks for. ``url`` None: our own finder. ``dimensions`` None: all there are."""

    url: str | None = None
    dimensions: tuple[str, ...] | None = None
    locale: str | None = None
    timezone: str | None = None
    timeout_s: float = TIMEOUT_S

    @classmethod
    def of(cls, config: Config, env: Mapping[str, str]) -> "Settings | None":
        """Those of a project; None where it asks for no system entities.

        ``system_entities`` of ``kefu`` asks for our own finder; else the first Duckling component of the pipeline says
        what is wanted.
        """
        locale, timezone = _text(config.kefu.get("locale")), _text(config.kefu.get("timezone"))
        if asked := config.kefu.get("system_entities"):
            return cls(dimensions=None if asked is True else _names(asked), locale=locale, timezone=timezone)
        options = next((component.options for component in config.pipeline if component.name in COMPONENTS), None)
        if options is None or asked is False:
            return None
        dimensions, timeout = options.get("dimensions"), options.get("timeout")
        return cls(
            url=env.get(URL_VARIABLE) or _text(options.get("url")),
            dimensions=_names(dimensions) if dimensions else None,
            locale=_text(options.get("locale")) or locale,
            timezone=_text(options.get("timezone")) or timezone,
            timeout_s=float(timeout) if isinstance(timeout, int | float) and timeout > 0 else TIMEOUT_S,
        )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _names(value: Json) -> tuple[str, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(str, value))
    return (str(value),)


class SystemEntities(Protocol):
    """Finds the system entities of a message."""

    async def find(self, text: str, *, at_s: float) -> tuple[Entity, ...]:
        """Entities by offset; ``at_s`` is when the message came, in seconds since the epoch. Never raises."""
        ...


class OwnSystemEntities:
    """Our own finder, one message at a time in ``executor``. Raises SystemEntitiesError for an unknown time zone."""

    def __init__(
        self, finder: SystemEntityFinder, executor: Executor, settings: Settings, *, language: str = "en"
    ) -> None:
        wanted = DIMENSIONS if settings.dimensions is None else settings.dimensions
        self._reading = Reading(
            dimensions=tuple(name for name in DIMENSIONS if name in wanted),
            locale=settings.locale or locale_of(language),
            timezone=settings.timezone or "UTC",
        ).checked()
        self._finder = finder
        self._executor = executor
        self._timeout_s = settings.timeout_s

    def warm_up(self) -> None:
        """Start the child and let it read once, so that the first customer does not wait for it. Blocks."""
        try:
            for text in ("2 days", "两天"):
                self._finder.find(text, at_s=0.0, reading=self._reading)
        except SystemEntitiesError as exc:
            logger.warning("no system entities will be found: %s", exc)

    async def find(self, text: str, *, at_s: float) -> tuple[Entity, ...]:
        """See SystemEntities."""

        def found() -> tuple[Entity, ...]:
            return tuple(
                as_entity(entity.to_json()) for entity in self._finder.find(text, at_s=at_s, reading=self._reading)
            )

        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._executor, found)
        except TimeoutError:
            logger.warning("system entities of a message were not found in %g s", self._timeout_s)
        except SystemEntitiesError as exc:
            logger.warning("system entities of a message were not found: %s", exc)
        return ()


class DucklingServer:
    """A Duckling server, asked as Rasa asks it: ``POST {url}/parse`` with a form.

    Of failures in a row only the first is a warning: each message would else bring another.
    """

    def __init__(self, settings: Settings, *, language: str = "en") -> None:
        assert settings.url is not None
        self._url = settings.url.rstrip("/").removesuffix("/parse") + "/parse"
        self._settings = settings
        self._locale = settings.locale or locale_of(language)
        self._is_failing = False

    async def find(self, text: str, *, at_s: float) -> tuple[Entity, ...]:
        """See SystemEntities. A session a call: there is nothing to close when releases are swapped."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._url, data=self._form(text[:TEXT_LENGTH], at_s)) as response,
            ):
                if response.status != 200:
                    return self._failed("answered with status %d", response.status)
                found = self._entities(json.loads(await response.read()))
        except TimeoutError:
            return self._failed("gave no answer in %g s", self._settings.timeout_s)
        except aiohttp.ClientError as exc:
            return self._failed("cannot be reached: %s", type(exc).__name__)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            return self._failed("gave no list of entities: %s", type(exc).__name__)
        self._is_failing = False
        return found

    def _failed(self, how: str, detail: object) -> tuple[Entity, ...]:
        logger.log(
            logging.DEBUG if self._is_failing else logging.WARNING, f"the Duckling server %s {how}", self._url, detail
        )
        self._is_failing = True
        return ()

    def _form(self, text: str, at_s: float) -> dict[str, str]:
        wanted = self._settings.dimensions
        form = {
            "text": text,
            "locale": self._locale,
            "tz": self._settings.timezone,
            "dims": json.dumps(wanted) if wanted else None,
            "reftime": str(int(at_s) * 1000),
        }
        return {key: value for key, value in form.items() if value}

    def _entities(self, matches: Sequence[Mapping[str, Any]]) -> tuple[Entity, ...]:
        wanted = self._settings.dimensions
        kept = [match for match in matches if wanted is None or match["dim"] in wanted]
        return tuple(sorted(map(as_entity, kept), key=lambda entity: (entity.start, entity.end)))


def as_entity(match: Mapping[str, Any]) -> Entity:
    """One match of Duckling's JSON as Rasa makes an entity of it: an interval's value has ``from`` and ``to``.

    Raises KeyError or AttributeError for what is no match.
    """
    meaning: Mapping[str, Any] = match["value"]
    value: Json = meaning.get("value")
    if meaning.get("type") == "interval":
        value = {end: (meaning.get(end) or {}).get("value") for end in ("to", "from")}
    return Entity(
        entity=match["dim"],
        value=value,
        start=match["start"],
        end=match["end"],
        confidence=1.0,
        extractor=EXTRACTOR,
        text=match["body"],
        additional_info=meaning,
    )


def system_entities(
    config: Config, env: Mapping[str, str], finder: SystemEntityFinder, executor: Executor
) -> SystemEntities | None:
    """What a project asks for, our own finder being one of ``executor``'s; None where it asks for none."""
    settings = Settings.of(config, env)
    if settings is None:
        return None
    if settings.url is not None:
        return DucklingServer(settings, language=config.language)
    own = OwnSystemEntities(finder, executor, settings, language=config.language)
    executor.submit(own.warm_up)  # its child starts while the models are loaded
    return own


@contextmanager
def found_alone(config: Config, env: Mapping[str, str]) -> Iterator[Callable[[str], tuple[Entity, ...]]]:
    """What finds the system entities of a message that comes now, for a command, which has no loop; it blocks.

    Finds nothing where the project asks for none.
    """
    with ExitStack() as stack:
        finder = SystemEntityFinder()
        stack.callback(finder.close)
        finding = stack.enter_context(ThreadPoolExecutor(1, "finding"))
        system = system_entities(config, env, finder, finding)
        if system is None:
            yield lambda _: ()
            return
        finding.submit(int).result()  # behind the finder's warming up, for which no message is to wait
        runner = stack.enter_context(asyncio.Runner())
        yield lambda text: runner.run(system.find(text, at_s=time.time()))
