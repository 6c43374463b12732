"""What operators may ask of a running bot."""

import json
from dataclasses import dataclass, field

import pytest
from engine_parts import FakeClock, FakeModels
from release_parts import FakeReleaseModels, build_release

from bot import models as models_module
from bot.actions.speaker import DomainSpeaker
from bot.delivery.audit import AuditLog, verify
from bot.delivery.stored import Handoff
from bot.desk import RunningDesk
from bot.dialogue.events import ActionExecuted, Restarted, UserUttered
from bot.dialogue.parse import IntentScore, Parse
from bot.dialogue.policies.prediction import Prediction
from bot.errors import BadRequest, NoRelease, ReleaseError, StoreUnavailable
from bot.release import current_release, promote
from bot.runtime import Runtime
from nlu.errors import NluFolderError


@dataclass
class FakeStore:
    """A store with one conversation; ``error`` is what a ping meets."""

    kept: dict = field(default_factory=dict)
    error: Exception | None = None

    async def events(self, conversation_id):
        return self.kept.get(conversation_id, ())

    async def handoffs(self):
        return (Handoff(conversation_id="李雷", channel="web", since=5.0),)

    async def ping(self):
        if self.error:
            raise self.error


def said(text, at):
    return UserUttered(
        text=text, parse=Parse(text=text, intent=IntentScore(name="greet", confidence=1.0)), timestamp=at
    )


EVENTS = (
    ActionExecuted(name="action_listen", timestamp=1.0),
    said("old", 2.0),
    Restarted(timestamp=3.0),
    ActionExecuted(name="action_listen", timestamp=4.0),
    said("你好", 5.0),
)


@pytest.fixture
async def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(models_module, "ReleaseModels", FakeReleaseModels)
    promote(tmp_path, build_release(tmp_path, "hello").id)
    runtime = Runtime(models_folder=tmp_path, actions=None, speaker=DomainSpeaker(), clock=FakeClock())
    await runtime.load()
    audit = AuditLog(tmp_path / "audit", clock=FakeClock())
    yield RunningDesk(runtime=runtime, store=FakeStore({"anna": EVENTS}), audit=audit)
    runtime.close()


@pytest.mark.parametrize(
    ("include", "until", "texts"),
    [
        ("ALL", None, ["old", "你好"]),
        ("AFTER_RESTART", None, ["你好"]),
        ("APPLIED", None, ["你好"]),
        ("ALL", 2.5, ["old"]),
        ("ALL", 5.0, ["old", "你好"]),  # that moment included
        ("NONE", None, None),
    ],
)
async def test_trackers(desk, include, until, texts):
    state = await desk.tracker_state("anna", include=include, until=until)
    events = state["events"]
    assert (None if events is None else [event["text"] for event in events if event["event"] == "user"]) == texts
    assert state["sender_id"] == "anna"
    nobody = await desk.tracker_state("nobody", include="ALL", until=None)
    assert nobody["events"] == []


async def test_understanding_says_nothing_to_anybody(desk):
    assert (await desk.parse("你好")).intent.name == "greet"
    assert (await desk.parse("/greet")).intent == IntentScore(name="greet", confidence=1.0)
    assert [desk.has_intent(name) for name in ("greet", "missing")] == [True, False]
    assert "greet" in str(desk.domain()["intents"])


async def test_reasons_need_words_and_a_release_that_keeps_its_examples(desk, monkeypatch):
    parse, reasons = await desk.explain("你好")
    assert (parse.intent.name, reasons) == ("greet", {"verdict": "accepted"})
    parse, reasons = await desk.explain("/greet")
    assert (parse.intent.name, reasons) == ("greet", None)

    async def torn(_models, _text):
        raise NluFolderError("nlu holds no readable examples", remedy="train the assistant again")

    monkeypatch.setattr(FakeModels, "explain", torn)
    with pytest.raises(ReleaseError, match=r"no readable examples; train the assistant again"):
        await desk.explain("你好")


async def test_a_release_is_swapped_and_promoted(desk):
    models = desk.runtime.models_folder
    new = build_release(models, "new")
    info = await desk.swap(new.id)
    assert (info.id, info.path, info.details) == (new.id, str(models / new.id), {"accuracy": 0.9})
    assert current_release(models).id == desk.release().id == new.id


@pytest.mark.parametrize("name", ["missing", "../elsewhere", ""])
async def test_a_release_that_is_none_leaves_all_as_it_was(desk, name):
    before = desk.release()
    with pytest.raises(ReleaseError):
        await desk.swap(name)
    assert desk.release() == before
    assert current_release(desk.runtime.models_folder).id == before.id


def audited(desk):
    folder = desk.runtime.models_folder / "audit"
    assert verify(folder) is None
    lines = [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    return [(line["actor"], line["action"], line["subject"], line["before"], line["after"]) for line in lines]


async def test_swaps_are_in_the_audit_log(desk):
    old, new = desk.release().id, build_release(desk.runtime.models_folder, "new").id
    await desk.swap(new)
    with pytest.raises(ReleaseError):
        await desk.swap("missing")
    await desk.record(actor="小王", action="conversation.agent", subject="anna", after={"message_id": "m1"})
    assert audited(desk) == [
        ("api", "release.swap", new, old, new),
        ("api", "release.swap", "missing", new, "missing"),
        ("api", "release.swap_failed", "missing", None, None),
        ("小王", "conversation.agent", "anna", None, {"message_id": "m1"}),
    ]


async def test_a_swap_that_cannot_be_recorded_is_not_done(desk):
    new, before = build_release(desk.runtime.models_folder, "new"), desk.release()
    (desk.runtime.models_folder / "audit").write_text("a file in the way")
    with pytest.raises(StoreUnavailable, match="audit log"):
        await desk.swap(new.id)
    assert desk.release() == before


async def test_who_waits_for_a_person(desk):
    (waiting,) = await desk.handoffs()
    assert (waiting.conversation_id, waiting.channel, waiting.since) == ("李雷", "web", 5.0)


@pytest.mark.parametrize(
    ("started", "error", "ready", "words"),
    [
        (False, None, False, "up"),
        (True, None, True, "up"),
        (True, StoreUnavailable("the store does not answer"), False, "the store does not answer"),
    ],
)
async def test_health(desk, started, error, ready, words):
    desk.started, desk.store.error, desk.draining = started, error, True
    health = await desk.health()
    assert (health.ready, health.store_up, health.store, health.draining) == (ready, error is None, words, True)


async def test_a_conversation_as_stories(desk):
    began = ActionExecuted(name="action_session_start", timestamp=6.0)
    desk.store.kept["ann"] = (*EVENTS, began, said("later", 7.0))
    last = await desk.stories("ann", all_sessions=False, until=None)
    assert ("user: later" in last, "user: old" in last, "story: ann\n" in last) == (True, False, True)
    every = await desk.stories("ann", all_sessions=True, until=None)
    assert all(line in every for line in ('story: "ann, story 1"', "user: old", 'story: "ann, story 2"', "user: later"))
    assert "user: later" not in await desk.stories("ann", all_sessions=True, until=5.5)


async def test_what_comes_next_is_foretold_from_a_conversation_or_from_events(desk):
    desk.store.kept["ann"] = (ActionExecuted(name="action_listen", timestamp=1.0), said("hi", 2.0))
    foretold = await desk.predict("ann", include="ALL")
    assert foretold.scores[foretold.action] == foretold.confidence > 0
    assert set(foretold.scores) >= {"action_listen", "action_restart"}
    assert sum(foretold.scores.values()) == foretold.confidence, "a rule is sure of one action"
    same = await desk.predict_after([dict(event) for event in foretold.tracker["events"]], include="NONE")
    assert (same.action, same.tracker["events"]) == (foretold.action, None)
    with pytest.raises(BadRequest, match="event 2: unknown event type"):
        await desk.predict_after([{"event": "restart"}, {"event": "dance"}], include="NONE")


async def test_a_policy_that_weighs_actions_gives_each_its_score(desk, monkeypatch):
    class Weighing:
        def predict(self, tracker):
            chances = {"action_listen": 0.3, "action_back": 0.6, "action_restart": 0.1}
            return Prediction(action="action_back", confidence=0.6, policy="TEDPolicy", chances=chances)

    monkeypatch.setattr(desk.runtime.current.engine.course, "_policies", Weighing())
    foretold = await desk.predict_after([], include="NONE")
    likely = {name: score for name, score in foretold.scores.items() if score}
    assert likely == {"action_listen": 0.3, "action_back": 0.6, "action_restart": 0.1}


async def test_a_release_is_unloaded_and_comes_back(desk):
    release = desk.release().id
    desk.started = True
    await desk.unload()
    assert not desk.runtime.ready.is_set()
    with pytest.raises(NoRelease):
        await desk.parse("hi")
    assert not (await desk.health()).ready
    await desk.swap(release)
    assert desk.runtime.ready.is_set()
    assert (await desk.health()).ready
