"""Who asks for system entities, and where they go: config.yml, the parse, its JSON, the slots."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from engine_parts import FakeModels, conversation, project

from bot import models as models_module
from bot import runtime as runtime_module
from bot.actions.speaker import DomainSpeaker
from bot.clock import SystemClock
from bot.dialogue.config_file import read_config
from bot.dialogue.event_json import entity_from_json, entity_to_json
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.dialogue.project import SourceFile
from bot.dialogue.reading import Reading as FileReading
from bot.dialogue.yaml_tree import read_yaml
from bot.models import ReleaseModels
from bot.parses import with_system_entities
from bot.system_entities import DucklingServer, OwnSystemEntities, Settings, as_entity
from nlu.data import IntentScore as NluScore
from nlu.data import Parse as NluParse
from nlu.errors import SystemEntitiesError
from nlu.system_entities import SystemEntityFinder

NOON_S = 1_795_003_200.0
"""2026-11-18 12:00 in Shanghai."""
TOMORROW = {"value": "2026-11-19T00:00:00.000+08:00", "grain": "day", "type": "value"}
INTERVAL = {
    "type": "interval",
    "from": {"value": "2026-11-18T18:00:00.000+08:00", "grain": "hour"},
    "to": {"value": "2026-11-19T00:00:00.000+08:00", "grain": "hour"},
}


def config(text: str):
    root, faults = read_yaml(SourceFile(path="config.yml", text=text), {})
    assert not faults
    reading = FileReading()
    return read_config(root, reading), reading


DUCKLING = "pipeline:\n- {name: DucklingEntityExtractor, url: 'http://d:8000', dimensions: [time], timeout: 5}\n"


@pytest.mark.parametrize(
    ("text", "env", "expected"),
    [
        ("language: en", {}, None),
        ("pipeline: [{name: DIETClassifier}]", {}, None),
        ("kefu: {system_entities: []}", {}, None),
        ("kefu: {system_entities: true}", {}, Settings()),
        ("kefu: {system_entities: time, locale: en_GB}", {}, Settings(dimensions=("time",), locale="en_GB")),
        (
            "kefu: {system_entities: [time, number], timezone: Asia/Shanghai}",
            {},
            Settings(dimensions=("time", "number"), timezone="Asia/Shanghai"),
        ),
        # a component of Rasa: with a server, without one, with Rasa's variable
        (DUCKLING, {}, Settings(url="http://d:8000", dimensions=("time",), timeout_s=5.0)),
        (DUCKLING, {"RASA_DUCKLING_HTTP_URL": "http://e"}, Settings(url="http://e", dimensions=("time",), timeout_s=5)),
        ("pipeline: [{name: DucklingHTTPExtractor, locale: zh_CN}]", {}, Settings(locale="zh_CN")),
        (
            "pipeline: [{name: rasa.nlu.extractors.duckling_entity_extractor.DucklingEntityExtractor, url: ''}]\n"
            "kefu: {timezone: UTC}",
            {},
            Settings(timezone="UTC"),
        ),
        # our own section decides
        (DUCKLING + "kefu: {system_entities: [number]}", {}, Settings(dimensions=("number",))),
        (DUCKLING + "kefu: {system_entities: false}", {}, None),
    ],
)
def test_who_asks_for_system_entities(text, env, expected):
    read, reading = config(text)
    assert not reading.faults
    assert Settings.of(read, env) == expected


def test_an_unknown_system_entity_is_a_fault():
    _, reading = config("kefu:\n  system_entities:\n  - time\n  - nummer\n")
    (fault,) = reading.faults
    assert (fault.line, '"nummer" is unknown' in fault.what, '"number"' in fault.remedy) == (4, True, True)


def test_a_match_becomes_an_entity_as_in_rasa():
    match = {"body": "tonight", "start": 3, "end": 10, "dim": "time", "latent": False, "value": INTERVAL}
    entity = as_entity(match)
    assert entity_to_json(entity) == {
        "entity": "time",
        "start": 3,
        "end": 10,
        "text": "tonight",
        "value": {"to": "2026-11-19T00:00:00.000+08:00", "from": "2026-11-18T18:00:00.000+08:00"},
        "confidence": 1.0,
        "additional_info": INTERVAL,
        "extractor": "DucklingEntityExtractor",
    }
    assert entity_from_json(entity_to_json(entity)) == entity


def test_an_open_interval_has_one_end():
    value = {"type": "interval", "from": {"value": "2026-11-18T18:00:00.000+08:00", "grain": "hour"}}
    assert as_entity({"body": "", "start": 0, "end": 1, "dim": "time", "value": value}).value == {
        "to": None,
        "from": "2026-11-18T18:00:00.000+08:00",
    }


def test_system_entities_stand_beside_the_others_by_offset():
    city, day = Entity(entity="city", value="Rome", start=8, end=12), Entity(entity="time", value="x", start=0, end=7)
    parse = Parse(text="tonight Rome", intent=IntentScore(name="go", confidence=0.9), entities=(city,))
    same = Entity(entity="time", value="tonight", start=0, end=7)
    assert with_system_entities(parse, [day]).entities == (day, city)
    assert with_system_entities(Parse(text="", intent=parse.intent, entities=(same,)), [day]).entities == (same, day)


class Nlu:
    explain_batch = None
    threshold = 0.4

    def parse_batch(self, texts):
        return [NluParse(text=text, intent=NluScore(name="order", confidence=0.9), ranking=()) for text in texts]


@pytest.fixture
def finding():
    finder = SystemEntityFinder()
    with ThreadPoolExecutor(1) as executor:
        yield finder, executor
    finder.close()


async def test_a_parse_has_the_system_entities_of_its_moment(finding):
    own = OwnSystemEntities(*finding, Settings(dimensions=("time",), timezone="Asia/Shanghai"), language="zh")
    own.warm_up()
    with ThreadPoolExecutor(1) as reading:
        models = ReleaseModels("r1", Nlu(), Nlu(), None, None, reading=reading, writing=reading, system=own)
        for text, at_s, day in (
            ("明天见", NOON_S, "2026-11-19"),
            ("see you tomorrow", NOON_S + 86_400, "2026-11-20"),
        ):
            (entity,) = (await models.parse(text, at_s=at_s)).entities
            assert str(entity.value).startswith(day)
        (entity,) = (await models.parse("明天见")).entities
        assert str(entity.value) > "2026-11"  # without a moment: from now on


async def test_a_turn_goes_on_where_nothing_can_be_found(finding, monkeypatch, caplog):
    own = OwnSystemEntities(*finding, Settings(), language="en")
    monkeypatch.setattr("nlu.system_entities.find_spec", lambda _name: None)
    assert await own.find("tomorrow", at_s=NOON_S) == ()
    assert "pyduckling-native-phihos, which is not installed" in caplog.text
    own.warm_up()  # says it at the start already


async def test_a_turn_does_not_wait_for_a_slow_finder(finding, caplog):
    finder, executor = finding
    own = OwnSystemEntities(finder, executor, Settings(timeout_s=0.2), language="en")
    own.warm_up()
    assert await own.find("monday tuesday at five to six " * 6, at_s=NOON_S) == ()
    assert "not found in 0.2 s" in caplog.text
    assert "monday" not in caplog.text


def test_an_unknown_time_zone_is_refused(finding):
    with pytest.raises(SystemEntitiesError, match="Asia/Shanghai or UTC"):
        OwnSystemEntities(*finding, Settings(timezone="China"), language="zh")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("language: en", type(None)),
        (DUCKLING, DucklingServer),
        ("kefu: {system_entities: true}", OwnSystemEntities),
    ],
)
def test_a_release_gets_what_its_config_asks_for(tmp_path, monkeypatch, text, expected):
    runtime = runtime_module.Runtime(models_folder=tmp_path, actions=None, speaker=DomainSpeaker(), clock=SystemClock())
    given = {}
    monkeypatch.setattr(
        models_module, "ReleaseModels", SimpleNamespace(load=lambda _release, **all_: given.update(all_))
    )
    runtime._models(SimpleNamespace(id="r1"), SimpleNamespace(config=config(text)[0]))
    runtime.close()
    assert isinstance(given["system"], expected)


SHOP = """
intents: [order]
entities: [number, time]
slots:
  seats: {type: float, min_value: 0, max_value: 10, mappings: [{type: from_entity, entity: number}]}
  when: {type: any, mappings: [{type: from_entity, entity: time}]}
responses:
  utter_ok: [{text: "{seats} at {when}"}]
"""
RULES = "rules:\n- {rule: order, steps: [{intent: order}, {action: utter_ok}]}\n"


class TimedModels(FakeModels):
    """Finds what a system finder would, and keeps the moment it was asked for."""

    async def parse(self, text, *, at_s=None):
        self.at_s = at_s
        parse = await super().parse(text)
        number = {"body": "2", "start": 0, "end": 1, "dim": "number", "value": {"value": 2, "type": "value"}}
        tonight = {"body": "tonight", "start": 2, "end": 9, "dim": "time", "value": INTERVAL}
        return with_system_entities(parse, [as_entity(number), as_entity(tonight)])


async def test_slots_get_the_values_and_events_keep_the_rest():
    models = TimedModels({"2 tonight": ("order", 0.9)})
    anna = conversation(project(SHOP, RULES), models)
    result = await anna.send("2 tonight")
    assert models.at_s is not None
    assert models.at_s > 0
    slots = {event.name: event.value for event in result.events if hasattr(event, "value")}
    assert slots == {"seats": 2, "when": {"to": INTERVAL["to"]["value"], "from": INTERVAL["from"]["value"]}}
    heard = next(event for event in result.events if hasattr(event, "parse"))
    assert heard.parse.entities[1].additional_info == INTERVAL
