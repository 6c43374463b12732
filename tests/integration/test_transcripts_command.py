import asyncio
from pathlib import Path

from delivery_parts import delivery, message

from bot.commands.transcripts import transcripts_of
from bot.delivery.embedded import EmbeddedStore
from bot.delivery.store import Store
from bot.paths import AssistantPaths


def test_transcripts_are_read_with_and_without_a_running_server(tmp_path: Path) -> None:
    paths = AssistantPaths(tmp_path)
    assert transcripts_of(paths, None) == []
    beside = asyncio.run(talk_and_read(paths))
    assert beside == ["hi", "在吗"]
    alone = transcripts_of(paths, None)
    assert [turn.text for turn in alone] == beside


async def talk_and_read(paths: AssistantPaths) -> list[str]:
    """What another program reads while the server has the folder, by its files and by an address."""
    embedded = EmbeddedStore(paths.state / "store")
    store = Store(await embedded.start())
    await store.open()
    async with delivery(store) as parts:
        for text in ("hi", "在吗"):
            await parts.hub.ask(message(text), timeout_s=20)
    found = [await asyncio.to_thread(transcripts_of, paths, url) for url in (None, store.url)]
    await store.close()
    assert embedded.pid is not None
    await embedded.stop()
    assert found[0] == found[1]
    return [turn.text for turn in found[0]]
