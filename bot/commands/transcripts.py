"""Reading an assistant's transcripts for one command, whether its server runs or not."""

import asyncio
from pathlib import Path

from bot.delivery.embedded import EmbeddedStore
from bot.delivery.transcript import TurnTranscript, read_transcripts
from bot.errors import StoreInUse
from bot.paths import AssistantPaths


def transcripts_of(paths: AssistantPaths, redis_url: str | None) -> list[TurnTranscript]:
    """Every kept turn; none for an assistant that never ran. Raises StoreError."""
    data_dir = paths.state / "store"
    if redis_url is None and not data_dir.is_dir():
        return []
    return asyncio.run(_read(data_dir, redis_url))


async def _read(data_dir: Path, redis_url: str | None) -> list[TurnTranscript]:
    if redis_url is not None:
        return [turn async for turn in read_transcripts(redis_url)]
    store = EmbeddedStore(data_dir)
    try:
        url = await store.start()
    except StoreInUse:  # by the running server: read beside it
        return [turn async for turn in read_transcripts(store.url)]
    try:
        return [turn async for turn in read_transcripts(url)]
    finally:
        await store.stop()
