"""The models of one release, loaded, behind the engine's port. The only module that turns their values into ours.

Understanding and search share one thread, so that on few cores they do not fight; generation has its own, at a lower
urgency, and pauses where others are answered at once: a turn that needs no generator does not wait for one that does.
A server that generates is left alone while it is down.
"""

import asyncio
import ctypes
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bot.actions.http import Breaker
from bot.batching import MicroBatcher
from bot.dialogue.generator_settings import GeneratorSettings, ServerAddress
from bot.dialogue.parse import Entity, Json, Parse
from bot.errors import DraftFailed
from bot.parses import dialogue_parse, explanation_json, with_system_entities
from bot.ports import DraftSentence, Hit, Said, SearchResult
from bot.release import Release
from bot.system_entities import SystemEntities
from nlu.base import resolve_base
from nlu.data import Parse as NluParse
from nlu.explain import Explainer, Explanation
from nlu.model import NluModel
from retrieval.chat_server import MAX_TOKENS, TIMEOUT_S, ChatServer
from retrieval.draft import Drafter, Refused, Sentence
from retrieval.errors import GeneratorUnavailable
from retrieval.extract import extract
from retrieval.follow_up import Answered, Asked, search_all
from retrieval.knowledge import Knowledge
from retrieval.relevance import Relevance, addressing
from retrieval.statements import is_item

if TYPE_CHECKING:
    from retrieval.index import Hit as FoundHit
    from retrieval.passages import Passage

logger = logging.getLogger(__name__)

NOTHING_KNOWN = SearchResult(hits=(), probability=0.0, answer_at=1.0, draft_at=1.0)
HITS = 5
WARM_UP = "How can I help you?"
EXPLANATIONS_WAITING = 4
"""An explanation takes as long as dozens of messages, and nobody needs many at once."""


class ReleaseModels:
    """One immutable set of models. Implements ``bot.ports.Models``."""

    def __init__(
        self,
        release_id: str,
        nlu: NluModel,
        explainer: Explainer,
        knowledge: Knowledge | None,
        drafter: Drafter | None,
        *,
        reading: Executor,
        writing: Executor,
        system: SystemEntities | None = None,
    ) -> None:
        self.release_id = release_id
        self.has_knowledge = knowledge is not None
        self.has_generator = drafter is not None
        self.threshold = nlu.threshold
        self._knowledge = knowledge
        self._drafter = drafter
        self._system = system
        self._writing = writing
        self._breaker = Breaker()
        self._parse: MicroBatcher[str, NluParse] = MicroBatcher(nlu.parse_batch, reading)
        self._search: MicroBatcher[Asked, Answered] = MicroBatcher(self._search_batch, reading)
        # In a thread of its own, one at a time, so that no turn waits for an explanation.
        self._explain: MicroBatcher[str, Explanation] = MicroBatcher(
            explainer.explain_batch, None, max_batch=1, max_waiting=EXPLANATIONS_WAITING
        )

    @classmethod
    def load(
        cls,
        release: Release,
        *,
        reading: Executor,
        writing: Executor,
        calm: threading.Event,
        generator: GeneratorSettings,
        key: str | None = None,
        device: str = "cpu",
        system: SystemEntities | None = None,
    ) -> "ReleaseModels":
        """Load the parts of the release beside each other, and run each once. Heavy: call it off the event loop.

        ``key`` is for the server that drafts, if one does. While ``calm`` is not set, a generator of our own pauses.
        """
        # Messages are short: a second thread gains a tenth when the cores are idle and costs tenfold when they are not.
        torch.set_num_threads(1)
        parts = release.part("knowledge"), release.part("generator")
        with ThreadPoolExecutor(len(parts), "loading") as beside:
            found = beside.submit(_knowledge, parts[0], device)
            drafting = beside.submit(_drafter, parts[1], device, generator, key, calm) if parts[0] else None
            understanding = release.folder / "nlu"
            nlu = NluModel.load(understanding, device=device)
            nlu.parse_batch([WARM_UP])
            knowledge, drafter = found.result(), drafting.result() if drafting else None
        _give_back_memory()
        explainer = Explainer(nlu, understanding)
        return cls(release.id, nlu, explainer, knowledge, drafter, reading=reading, writing=writing, system=system)

    async def parse(self, text: str, *, at_s: float | None = None) -> Parse:
        """Intent and entities of a message; ``at_s``, for "tomorrow", is when it came (None: now)."""
        parse, found = await asyncio.gather(self._parse(text), self._system_entities(text, at_s))
        return with_system_entities(dialogue_parse(parse), found)

    async def explain(self, text: str) -> tuple[Parse, Mapping[str, Json]]:
        """A parse and its reasons. Raises ModelsBusy where four others wait already, NluFolderError."""
        explanation, found = await asyncio.gather(self._explain(text), self._system_entities(text, None))
        return with_system_entities(dialogue_parse(explanation.parse), found), explanation_json(explanation)

    async def _system_entities(self, text: str, at_s: float | None) -> tuple[Entity, ...]:
        if self._system is None:
            return ()
        return await self._system.find(text, at_s=time.time() if at_s is None else at_s)

    def filter_names(self) -> frozenset[str]:
        """What passages can be filtered by: language, document, and every name of their metadata."""
        return self._knowledge.filter_names if self._knowledge else frozenset()

    async def search(
        self, query: str, *, k: int = HITS, before: str = "", filters: Mapping[str, str] | None = None
    ) -> SearchResult:
        """The best passages for a query; at most 5."""
        if self._knowledge is None:
            return NOTHING_KNOWN
        answered = await self._search(Asked(text=query, before=before, filters=filters or {}))
        found = answered.outcome
        return SearchResult(
            hits=tuple(map(_hit, found.hits[:k], found.chances)),
            probability=found.probability,
            answer_at=found.answer_at,
            draft_at=found.draft_at,
            searched=answered.searched,
            why=answered.why,
        )

    def passage(self, passage_id: str, filters: Mapping[str, str] | None = None) -> Hit | None:
        """A passage by its id; None if the knowledge has it no more, or the filters leave it out."""
        found = self._knowledge.passage(passage_id, filters or {}) if self._knowledge else None
        return _shown(found) if found else None

    async def generate(
        self, question: str, hits: Sequence[Hit], *, earlier: Sequence[Said] = (), refused: Refused | None = None
    ) -> AsyncIterator[DraftSentence]:
        """Supported sentences that answer, as each is ready. Leaving the loop early stops the generator.

        Raises DraftFailed.
        """
        if self._drafter is None:
            return
        if not self._breaker.admit():
            raise DraftFailed("the server that drafts is left alone after repeated failures")
        question, stop = self._spelled(question), threading.Event()
        passages = [(hit.passage_id, hit.title, hit.text) for hit in hits]
        said = [(message.by_customer, message.text) for message in earlier]
        drafted = self._drafter.stream(question, passages, stop=stop, earlier=said, refused=refused)
        sentences = addressing(drafted, lambda: self.relevance(question, passages), refused)
        try:
            while (sentence := await self._next(sentences)) is not None:
                yield DraftSentence(text=sentence.text, passage_ids=sentence.passage_ids)
            self._breaker.succeeded()
        except GeneratorUnavailable as exc:
            self._breaker.failed()
            logger.warning("no whole draft, so customers get quotations: %s", exc)
            raise DraftFailed(str(exc)) from exc
        finally:
            stop.set()

    async def extract(self, question: str, hit: Hit) -> str:
        """The part of a passage that answers, as it stands there."""
        question, passages = self._spelled(question), [(hit.passage_id, hit.title, hit.text)]
        return await asyncio.get_running_loop().run_in_executor(
            self._writing, lambda: extract(self.relevance(question, passages), hit.text)
        )

    def relevance(self, question: str, passages: Sequence[tuple[str, str, str]]) -> Relevance:
        """What judges sentences against a question and passages (id, title, text); off the event loop."""
        assert self._knowledge is not None
        index = self._knowledge.index
        return Relevance(question, passages, index.encoder, background=index.dense["sentence"].background)

    def _spelled(self, question: str) -> str:
        return self._knowledge.spelled(question) if self._knowledge else question

    async def _next(self, sentences: Iterator[Sentence]) -> Sentence | None:
        return await asyncio.get_running_loop().run_in_executor(self._writing, next, sentences, None)

    def _search_batch(self, asked: Sequence[Asked]) -> Sequence[Answered]:
        assert self._knowledge is not None
        return search_all(self._knowledge, asked, HITS)


def best_device() -> str:
    """``cuda`` where torch finds a GPU, else ``cpu``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _knowledge(folder: Path | None, device: str) -> Knowledge | None:
    if folder is None:
        return None
    knowledge = Knowledge.load(folder, device=device, base_folder=resolve_base)
    knowledge.search_batch([WARM_UP], HITS)
    return knowledge


def _drafter(
    folder: Path | None, device: str, generator: GeneratorSettings, key: str | None, calm: threading.Event
) -> Drafter | None:
    if generator.server is not None:
        return Drafter(_client(generator.server, key), tone=generator.tone)
    return Drafter.load(folder, device=device, tone=generator.tone, calm=calm) if folder else None


def _client(server: ServerAddress, key: str | None) -> ChatServer:
    return ChatServer(
        url=server.url,
        model=server.model,
        key=key,
        timeout_s=server.timeout_s or TIMEOUT_S,
        max_tokens=server.max_tokens or MAX_TOKENS,
        options=server.options,
    )


def _give_back_memory() -> None:
    """Loading needs twice the memory of what is loaded; the C library keeps it unless it is told."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _hit(hit: "FoundHit", chance: float) -> Hit:
    return replace(_shown(hit.passage), score=hit.score, probability=chance)


def _shown(passage: "Passage") -> Hit:
    return Hit(
        passage_id=passage.id,
        document=passage.document,
        title=passage.title,
        text=_with_lead(passage.text, passage.headings),
        score=0.0,
        headings=passage.headings,
        question=passage.question,
        answer=passage.answer,
        url=passage.url,
    )


def _with_lead(text: str, headings: Sequence[str]) -> str:
    """A list with the heading that leads into it: "We do not accept:" changes all that follows."""
    return f"{headings[-1]}\n\n{text}" if headings and is_item(text) else text
