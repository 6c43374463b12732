"""Knowledge-base actions of rasa-sdk, in a real action server: the starter's catalogue, and the SDK's own classes."""

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from engine_parts import Conversation, FakeModels, conversation, project

from bot.action_process import ActionProcess
from bot.actions.server import HttpActionServer
from bot.dialogue.project import Endpoint, Project
from bot.folder import load_folder

SHOP = Path(__file__).parents[2] / "bot" / "starter" / "shop"
UNCLEAR = ["Which product do you mean?"]
LAMPS = ["These we have:\n\n1. pendant lamp, £89\n2. floor lamp, £129"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """The starter, untrained: what it says is the business of other tests."""
    return Path(shutil.copytree(SHOP, tmp_path_factory.mktemp("knowledge") / "shop"))


@asynccontextmanager
async def talk(folder: Path, assistant: Project) -> AsyncIterator[Conversation]:
    process = ActionProcess(folder)
    await process.start()
    server = HttpActionServer.of(Endpoint(url=process.url))
    try:
        yield conversation(assistant, FakeModels(), actions=server)
    finally:
        await server.close()
        await process.stop()


def asks(**entities: str) -> str:
    return f"/query_knowledge_base{json.dumps(entities)}"


DIALOGUES: Mapping[str, list[tuple[str, list[str]]]] = {
    "the second one, it, and a relation": [
        (asks(category="lamps"), LAMPS),
        (asks(attribute="price", mention="2"), ["The floor lamp costs £129."]),
        (asks(attribute="size", mention="it"), ["The floor lamp is 150 cm high."]),
        (asks(attribute="store", mention="it"), ["You find the floor lamp in:\n\n1. Leeds\n2. London"]),
        (asks(attribute="hours", mention="2"), ["Our store in London is open Monday to Saturday 10:00"]),
        (asks(attribute="address"), ["Our store in London is at 14 Tanner Street, SE1."]),
        (asks(attribute="store", mention="it"), ["Our store in London is at 14 Tanner Street, SE1."]),
        (asks(attribute="material", mention="its"), ["The floor lamp is made of ash wood and linen."]),
    ],
    "a kind in one city, and the only one of a list": [
        (asks(category="Chairs", city="bristol"), ["These we have:\n\n1. armchair, £449"]),
        (asks(attribute="price"), ["The armchair costs £449."]),
        (asks(attribute="price", mention="3"), UNCLEAR),
        (asks(attribute="store", mention="it"), ["You find the armchair in:\n\n1. Bristol"]),
        (asks(attribute="hours", mention="it"), ["Our store in Bristol is open Tuesday"]),
    ],
    "the same of another, and a product by its name": [
        (asks(product="coffee table", attribute="colours"), ["The coffee table comes in walnut."]),
        (asks(category="lamps"), LAMPS),
        (asks(attribute="price", mention="1"), ["The pendant lamp costs £89."]),
        (asks(mention="LAST"), ["The floor lamp costs £129."]),
        (asks(product="wardrobe", attribute="store"), ["The wardrobe is in none of our stores at the moment."]),
    ],
    "what it cannot tell": [
        (asks(attribute="price", mention="it"), UNCLEAR),
        (asks(category="laptops"), ["I am afraid we have nothing of that kind."]),
        (asks(category="lamps", city="York"), ["I am afraid we have nothing of that kind."]),
        (asks(product="unicorn", attribute="price"), UNCLEAR),
        (asks(product="sofa", attribute="type"), UNCLEAR),
        (asks(product="sofa"), ["These we have:\n\n1. sofa, £1,299"]),
        (asks(attribute="price", mention="the other"), UNCLEAR),
        (asks(attribute="price", mention="that", product="Desk"), ["The desk costs £349."]),
        (asks(), UNCLEAR),
    ],
    "a list of all": [(asks(object_type="things"), ["These we have:\n\n1. pendant lamp, £89\n2. mirror, £119"])],
}


async def test_the_catalogue_of_the_starter(shop):
    async with talk(shop, load_folder(shop, env={})) as anna:
        for name, dialogue in DIALOGUES.items():
            await anna.send("/restart")
            for said, words in dialogue:
                replies = await anna.says(said)
                assert [reply[: len(start)] for reply, start in zip(replies, words, strict=True)] == words, (name, said)


DOMAIN = """
intents: [query_knowledge_base]
entities: [object_type, attribute, mention, hotel, city]
slots:
  object_type: {type: any, influence_conversation: false, mappings: [{type: from_entity, entity: object_type}]}
  attribute: {type: any, influence_conversation: false, mappings: [{type: from_entity, entity: attribute}]}
  mention: {type: any, influence_conversation: false, mappings: [{type: from_entity, entity: mention}]}
  hotel: {type: any, influence_conversation: false, mappings: [{type: from_entity, entity: hotel}]}
  city: {type: any, influence_conversation: false, mappings: [{type: from_entity, entity: city}]}
actions: [action_query_knowledge_base]
responses:
  utter_ask_rephrase: [{text: 请换个说法。}]
"""
RULES = """
rules:
- {rule: 查询, steps: [{intent: query_knowledge_base}, {action: action_query_knowledge_base}]}
"""
ACTIONS = """
from pathlib import Path
from rasa_sdk.knowledge_base.actions import ActionQueryKnowledgeBase
from rasa_sdk.knowledge_base.storage import InMemoryKnowledgeBase

class Query(ActionQueryKnowledgeBase):
    def __init__(self):
        super().__init__(InMemoryKnowledgeBase(Path(__file__).with_name("hotels.json")))
"""
HOTELS = {
    "hotel": [
        {"id": 1, "name": "和平饭店", "city": "上海", "price": "980元"},
        {"id": 2, "name": "北京饭店", "city": "北京", "price": "860元"},
        {"id": 3, "name": "锦江饭店", "city": "上海", "price": "720元"},
    ]
}


async def test_the_actions_of_the_sdk_as_they_are(tmp_path):
    """Its own words and data structures, with an assistant that adds nothing but data."""
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "__init__.py").write_text(ACTIONS, "utf-8")
    (tmp_path / "actions" / "hotels.json").write_text(json.dumps(HOTELS, ensure_ascii=False), "utf-8")
    async with talk(tmp_path, project(DOMAIN, RULES, language="zh")) as anna:
        _, first, second = await anna.says(asks(object_type="hotel", city="上海"))
        assert {first.split(": ")[1], second.split(": ")[1]} == {"和平饭店", "锦江饭店"}
        listed = anna.tracker.slots["knowledge_base_listed_objects"]
        assert sorted(listed) == [1, 3]
        assert anna.tracker.slots["knowledge_base_last_object_type"] == "hotel"
        assert anna.tracker.slots["city"] is None
        hotel = next(hotel for hotel in HOTELS["hotel"] if hotel["id"] == listed[1])
        price = f"'{hotel['name']}' has the value '{hotel['price']}' for attribute 'price'."
        assert await anna.says(asks(attribute="price", mention="2")) == [price]
        assert anna.tracker.slots["knowledge_base_last_object"] == hotel["id"]
        city = price.replace(str(hotel["price"]), "上海").replace("price", "city")
        assert await anna.says(asks(attribute="city", mention="它")) == [city]
        named = "'北京饭店' has the value '860元' for attribute 'price'."
        assert await anna.says(asks(hotel="北京饭店", attribute="price")) == [named]
        assert await anna.says(asks(attribute="price")) == ["请换个说法。"]
