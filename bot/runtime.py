"""The release that answers: loaded whole, swapped in one assignment, retired when its last turn is over.

Knows where releases lie and which classes a release is made of; the server, the shell and ``kefu ask`` all start here.
"""

import asyncio
import json
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bot.actions.speaker import Speaker
from bot.dialogue.errors import ProjectFaults
from bot.dialogue.generator_settings import GeneratorSettings
from bot.dialogue.load import load_project
from bot.dialogue.policies.ensemble import Policies
from bot.dialogue.project import Project, SourceFile
from bot.engine import Engine
from bot.errors import NoRelease, ReleaseError
from bot.foreground import Foreground
from bot.policy_part import load_policies
from bot.ports import ActionServer, Clock
from bot.release import CURRENT, Release, current_release, open_release
from bot.secrets_file import given_secret
from bot.system_entities import system_entities
from nlu.errors import NluError
from nlu.system_entities import SystemEntityFinder
from retrieval.errors import RetrievalError

if TYPE_CHECKING:
    from bot.models import ReleaseModels

log = logging.getLogger(__name__)

WATCH_EVERY_S = 1.0
GENERATOR_KEY = "KEFU_GENERATOR_KEY"
"""The variable with the key for a server that drafts; with ``_FILE`` the file that holds it."""
NICENESS = 10
"""Of the thread that drafts, where the system counts it by thread: others get a core before it."""
ASKED_AT_ONCE = 16
"""Drafts that a server is asked for at a time; others wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A release in memory."""

    release: Release
    project: Project
    policies: Policies
    models: "ReleaseModels"
    engine: Engine


@dataclass(slots=True)
class Runtime:
    """The current release of ``models_folder``. ``load`` before use; ``current`` is then always a whole release.

    ``actions`` and ``speaker`` are those of the folder and serve every release: their connections outlive a swap.
    ``ready`` is set while a release answers. ``device`` None is ``cuda`` where torch finds one. Parsing and searching
    share one thread; generating has its own and stands back for turns of ``foreground``. Waiting for a server that
    generates has several.
    """

    models_folder: Path
    actions: ActionServer | None
    speaker: Speaker
    clock: Clock
    device: str | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    foreground: Foreground = field(default_factory=Foreground)
    _loaded: Loaded | None = None
    _reading: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "reading"))
    _writing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "writing", _stand_back))
    _asking: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(ASKED_AT_ONCE, "asking"))
    _finding: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "finding"))
    _finder: SystemEntityFinder = field(default_factory=SystemEntityFinder)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def current(self) -> Loaded:
        """The release that answers. Raises NoRelease after ``unload``."""
        if self._loaded is None:
            raise NoRelease("no release answers here; load one with PUT /model, or promote one")
        return self._loaded

    @property
    def release_id(self) -> str | None:
        """The id of the release that answers; None after ``unload``."""
        return self._loaded.release.id if self._loaded else None

    def unload(self) -> None:
        """Let no release answer until the next ``load``. Turns that run are finished with the old one."""
        self._loaded = None
        self.ready.clear()

    async def load(self, release_id: str | None = None) -> Release:
        """Load a release (default: the promoted one), then let it answer. On ReleaseError the old one goes on."""
        async with self._loading:
            loaded = await asyncio.to_thread(self._read, release_id)
            self._loaded = loaded
            self.ready.set()
        log.info("release %s answers", loaded.release.id)
        return loaded.release

    async def read(self, release_id: str) -> Loaded:
        """Load a release beside the one that answers. Raises ReleaseError."""
        async with self._loading:
            return await asyncio.to_thread(self._read, release_id)

    async def follow(self) -> None:
        """Load whatever is promoted, as soon as it is; runs until cancelled.

        What cannot be loaded is logged once, and the old release goes on.
        """
        seen = 0
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if (stamp := _stamp(self.models_folder / CURRENT)) == seen:
                continue
            seen = stamp
            try:
                if current_release(self.models_folder, verify=False).id != self.release_id:
                    await self.load()
            except ReleaseError as exc:
                log.error("the promoted release cannot be used, the old one goes on: %s", exc)

    def close(self) -> None:
        """End the model threads once they are idle."""
        self._reading.shutdown(wait=False, cancel_futures=True)
        self._writing.shutdown(wait=False, cancel_futures=True)
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._finding.shutdown(wait=False, cancel_futures=True)
        self._finder.close()

    def _read(self, release_id: str | None) -> Loaded:
        # Torch takes a second to import, in which the files are compared with the manifest and the children start.
        with ThreadPoolExecutor(1, "importing") as beside:
            importing = beside.submit(import_module, "bot.models")
            if release_id is None:
                release = current_release(self.models_folder)
            else:
                release = open_release(self.models_folder / Path(release_id).name)
            project = project_of(release)
            importing.result()
        policies = load_policies(release, project.domain)
        models = self._models(release, project)
        engine = Engine(
            project=project,
            policies=policies,
            models=models,
            actions=self.actions,
            clock=self.clock,
            speaker=self.speaker,
        )
        return Loaded(release=release, project=project, policies=policies, models=models, engine=engine)

    def _models(self, release: Release, project: Project) -> "ReleaseModels":
        from bot.models import ReleaseModels, best_device  # noqa: PLC0415 - see _read

        device = self.device or best_device()
        generator = GeneratorSettings.of(project.config)
        try:
            return ReleaseModels.load(
                release,
                reading=self._reading,
                writing=self._asking if generator.server else self._writing,
                calm=self.foreground.calm,
                generator=generator,
                key=given_secret(GENERATOR_KEY, os.environ) if generator.server else None,
                device=device,
                system=system_entities(project.config, os.environ, self._finder, self._finding),
            )
        except (NluError, RetrievalError, OSError) as exc:
            raise ReleaseError(f"release {release.id} cannot be used: {exc}") from exc


def _stand_back() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + NICENESS)


def project_of(release: Release) -> Project:
    """The assistant that a release was made from, as its files were then. Raises ReleaseError if they are damaged."""
    try:
        texts = json.loads((release.folder / "project" / "project.json").read_text("utf-8"))
        return load_project([SourceFile(path=path, text=text) for path, text in texts.items()], env=os.environ)
    except ProjectFaults as exc:
        raise ReleaseError(f"release {release.id} cannot be used, its files are faulty:\n{exc}") from exc
    except (OSError, ValueError, AttributeError) as exc:
        raise ReleaseError(f"release {release.id} cannot be used, its files cannot be read ({exc})") from exc


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
