"""An Inbox in memory: it takes what the web channel queues, and says what a test tells it to say."""

import asyncio
import itertools
from collections import defaultdict
from contextlib import asynccontextmanager

from bot.errors import LogTrimmed
from bot.messages import LiveFrame, LogFrame, Reply


class FakeInbox:
    def __init__(self, now=1_760_000_000.0):
        self.logs, self.live = defaultdict(list), defaultdict(list)
        self.heard, self.seen, self.turns = asyncio.Queue(), set(), itertools.count(1)
        self.marks = {}
        self.now, self.error, self.verdict, self.empty, self.kept_from = now, None, "queued", set(), 1

    async def ingest(self, inbound):
        if self.error or self.verdict == "busy":
            return self.verdict if not self.error else await self._fail()
        if inbound.event_id in self.seen:
            return "dup"
        self.seen.add(inbound.event_id)
        if inbound.kind == "message":
            self.add(inbound.conversation_id, "user", inbound.event_id, text=inbound.display or inbound.text)
        self.heard.put_nowait(inbound)
        return self.verdict

    async def _fail(self):
        raise self.error

    def add(self, conversation_id, kind, frame_id, *, silent=False, **content):
        frames = self.logs[conversation_id]
        frames.append(LogFrame(seq=len(frames) + 1, type=kind, id=frame_id, at=self.now, **content))
        if not silent:
            self.send(conversation_id, LiveFrame(type="log", frames=(frames[-1],)))

    def reply(self, conversation_id, text=None, *, author="bot", channel="socketio", silent=False, **parts):
        reply = Reply(id=f"{conversation_id}/{next(self.turns)}/0", text=text, author=author, **parts)
        self.add(conversation_id, author, reply.id, reply=reply, channel=channel, silent=silent)
        return reply

    def send(self, conversation_id, frame):
        for queue in self.live[conversation_id]:
            queue.put_nowait(frame)

    async def log_after(self, conversation_id, seq):
        if seq + 1 < self.kept_from:
            raise LogTrimmed(oldest=self.kept_from)
        return tuple(self.logs[conversation_id][seq:])

    async def read_mark(self, conversation_id):
        if self.error:
            raise self.error
        return self.marks.get(conversation_id)

    async def mark_read(self, conversation_id, seq):
        self.marks[conversation_id] = max(seq, self.marks.get(conversation_id, 0))

    @asynccontextmanager
    async def subscribe(self, conversation_id):
        queue = asyncio.Queue()
        self.live[conversation_id].append(queue)
        try:
            yield _until_none(queue)
        finally:
            self.live[conversation_id].remove(queue)

    async def allow(self, bucket, key):
        return bucket not in self.empty


async def _until_none(queue):
    while (frame := await queue.get()) is not None:
        yield frame
