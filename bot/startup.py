"""Starting what answers: a release and, if it has one, its action server. Without a store and without channels."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from bot.action_process import ActionProcess
from bot.actions.http import JsonEndpoint, trust
from bot.actions.server import HttpActionServer
from bot.actions.speaker import DomainSpeaker, NlgServer, Speaker
from bot.clock import SystemClock
from bot.dialogue.project import Endpoint, Project
from bot.folder import load_folder
from bot.paths import AssistantPaths
from bot.runtime import Runtime

COMPRESS_VARIABLE = "COMPRESS_ACTION_SERVER_REQUEST"
"""Rasa's switch for requests to the action server that are deflated."""


async def loaded_runtime(folder: Path, stack: AsyncExitStack) -> Runtime:
    """The current release, ready to answer; closed with ``stack``.

    Raises ProjectFaults, ReleaseError without a release, and ActionUnreachable if the folder's actions do not start.
    """
    project = await asyncio.to_thread(load_folder, folder, env=os.environ)
    return await start_runtime(AssistantPaths(folder), project, stack)


async def start_runtime(paths: AssistantPaths, project: Project, stack: AsyncExitStack) -> Runtime:
    """Load the models while the action server starts: both take seconds.

    The folder's own actions are started unless ``endpoints.yml`` names a server.
    """
    endpoint = project.endpoints.get("action_endpoint")
    starting: asyncio.Task[None] | None = None
    if endpoint is None and paths.has_actions:
        process = ActionProcess(paths.folder)
        stack.push_async_callback(process.stop)
        starting = asyncio.create_task(process.start())
        endpoint = Endpoint(url=process.url)
    actions = None
    if endpoint is not None:
        actions = HttpActionServer.of(endpoint, compress=_compresses(os.environ), trust=trust(endpoint, paths.folder))
        stack.push_async_callback(actions.close)
    runtime = Runtime(
        models_folder=paths.models, actions=actions, speaker=_speaker(paths, project, stack), clock=SystemClock()
    )
    stack.callback(runtime.close)
    try:
        await runtime.load()
    except BaseException:
        if starting is not None:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
        raise
    if starting is not None:
        await starting
    return runtime


def _speaker(paths: AssistantPaths, project: Project, stack: AsyncExitStack) -> Speaker:
    """Who finds the words: the NLG server that ``endpoints.yml`` names, else the domain."""
    endpoint = project.endpoints.get("nlg")
    if endpoint is None:
        return DomainSpeaker()
    server = NlgServer(JsonEndpoint(endpoint, trust=trust(endpoint, paths.folder)))
    stack.push_async_callback(server.close)
    return server


def _compresses(env: Mapping[str, str]) -> bool:
    return env.get(COMPRESS_VARIABLE, "").strip().lower() in ("1", "true", "t", "yes", "y", "on")
