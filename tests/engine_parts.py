"""What the tests of the engine share: models that know a table, an action server that is a dict, and a conversation."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.actions.speaker import Speaker
from bot.dialogue.domain import Domain
from bot.dialogue.load import load_project
from bot.dialogue.parse import FALLBACK_INTENT, Entity, IntentScore, Json, Parse
from bot.dialogue.policies.ensemble import Policies, train
from bot.dialogue.project import Project, SourceFile
from bot.dialogue.tracker import Tracker
from bot.engine import Engine
from bot.errors import ActionUnknown
from bot.messages import Inbound, InboundKind
from bot.ports import ActionResult, ActionServer, DraftSentence, Hit, Refused, Said, SearchResult, TurnResult

Meaning = tuple[str, float] | tuple[str, float, Mapping[str, str]]
ANSWER_AT, DRAFT_AT = 0.6, 0.3
HITS = (
    Hit(
        passage_id="faq#1",
        document="faq.yml",
        title="Opening hours",
        text="We open at nine.",
        answer="We open at **nine**.",
        score=2.0,
        url="https://shop.example/faq",
    ),
    Hit(passage_id="help#2", document="help.md", title="Help", text="We are closed on Sunday.", score=1.0),
)


@dataclass
class FakeModels:
    """``meanings``: text -> intent, confidence, entities. ``chances``: text -> probability of knowledge; ``seconds``:
    that of the second passage."""

    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    chances: Mapping[str, float] = field(default_factory=dict)
    draft: Sequence[DraftSentence] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    has_knowledge: bool = False
    release_id: str = "r1"
    searches: int = 0
    before: str | None = None
    filters: Mapping[str, str] | None = None
    earlier: tuple[Said, ...] = ()
    refusals: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def has_generator(self) -> bool:
        return self.draft is not None

    async def parse(self, text: str, *, at_s: float | None = None) -> Parse:
        name, confidence, *entities = self.meanings.get(text, (FALLBACK_INTENT, 0.2))
        ranking = (IntentScore(name=name, confidence=confidence), IntentScore(name="order", confidence=0.1))
        found = tuple(Entity(entity=key, value=value) for key, value in (entities[0] if entities else {}).items())
        return Parse(text=text, intent=ranking[0], ranking=ranking, entities=found)

    async def explain(self, text: str) -> tuple[Parse, Mapping[str, Json]]:
        return await self.parse(text), {"verdict": "accepted"}

    def filter_names(self) -> frozenset[str]:
        return frozenset({"product"})

    async def search(
        self, query: str, *, k: int = 5, before: str = "", filters: Mapping[str, str] | None = None
    ) -> SearchResult:
        self.searches += 1
        self.filters = filters
        self.before = before
        chance, first, second = self.chances.get(query, 0.0), *HITS
        hits = (replace(first, probability=chance), replace(second, probability=self.seconds.get(query, 0.01)))
        return SearchResult(hits=hits, probability=chance, answer_at=ANSWER_AT, draft_at=DRAFT_AT)

    async def generate(
        self, question: str, hits: Sequence[Hit], *, earlier: Sequence[Said] = (), refused: Refused | None = None
    ) -> AsyncIterator[DraftSentence]:
        self.earlier = tuple(earlier)
        for sentence in self.draft or ():
            yield sentence
        for text, reasons in self.refusals.items():
            if refused:
                refused(text, reasons)

    def passage(self, passage_id: str, filters: Mapping[str, str] | None = None) -> Hit | None:
        return next((hit for hit in HITS if hit.passage_id == passage_id), None)

    async def extract(self, question: str, hit: Hit) -> str:
        return hit.text


Custom = Callable[[Tracker], ActionResult]


@dataclass
class FakeActions:
    """An action server: a function per action, and what it was called with."""

    actions: Mapping[str, Custom]
    keys: list[str] = field(default_factory=list)
    seen: list[Tracker] = field(default_factory=list)

    async def run(self, name: str, tracker: Tracker, domain: Domain, *, idempotency_key: str) -> ActionResult:
        self.keys.append(idempotency_key)
        self.seen.append(tracker)
        if name not in self.actions:
            raise ActionUnknown(name)
        return self.actions[name](tracker)


@dataclass
class FakeClock:
    at: float = 1_000_000.0

    def now(self) -> float:
        return self.at


def project(domain: str, rules: str = "", *, language: str = "en", policies: str = "[]") -> Project:
    files = {
        "config.yml": f"language: {language}\npipeline: []\npolicies: {policies}\n",
        "domain.yml": f'version: "3.1"\n{domain}',
        "data/rules.yml": f'version: "3.1"\n{rules}',
    }
    sources = [SourceFile(path=path, text=text) for path, text in files.items() if text]
    return load_project(sources, env={})


@dataclass
class Conversation:
    """One customer, turn after turn; ``tracker`` is what a store would give back."""

    engine: Engine
    tracker: Tracker
    turns: int = 0

    async def send(self, text: str = "", kind: InboundKind = "message", **metadata: Json) -> TurnResult:
        self.turns += 1
        inbound = Inbound(
            conversation_id=self.tracker.conversation_id,
            channel="rest",
            event_id=str(self.turns),
            sender_id=self.tracker.conversation_id,
            text=text,
            kind=kind,
            metadata=metadata,
        )
        before = self.tracker.events[:]
        result = await self.engine.handle(inbound, self.tracker)
        assert list(self.tracker.events) == list(before), "the engine changed the tracker it was given"
        self.tracker = Tracker.start(inbound.conversation_id, self.tracker.domain, (*before, *result.events))
        return result

    async def says(self, text: str) -> list[str | None]:
        return [reply.text for reply in (await self.send(text)).replies]


def conversation(
    assistant: Project,
    models: FakeModels,
    *,
    actions: ActionServer | None = None,
    clock: FakeClock | None = None,
    speaker: Speaker | None = None,
    sure_at: float | None = None,
    customer: str = "anna",
    policies: Policies | None = None,
) -> Conversation:
    if sure_at is not None:
        config = replace(assistant.config, kefu={**assistant.config.kefu, "sure_at": sure_at})
        assistant = replace(assistant, config=config)
    engine = Engine(
        project=assistant,
        policies=policies or train(assistant),
        models=models,
        actions=actions,
        clock=clock or FakeClock(),
        speaker=speaker,
    )
    return Conversation(engine, Tracker.start(customer, assistant.domain))
