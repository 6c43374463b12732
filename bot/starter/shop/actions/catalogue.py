"""A knowledge graph of what the shop sells and where: products and stores, their attributes, and stock that joins them.

A thing is known by its name. An attribute whose value is a list is a relation: it names other things, which the
customer can then point at ("the second one").
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.knowledge_base.actions import ActionQueryKnowledgeBase
from rasa_sdk.knowledge_base.storage import KnowledgeBase
from rasa_sdk.knowledge_base.utils import SLOT_ATTRIBUTE, SLOT_LAST_OBJECT, SLOT_LISTED_OBJECTS
from rasa_sdk.types import DomainDict

from actions import database

ENTITIES = ("product", "category", "city", "attribute", "mention", "object_type")
WORDS = {
    "price": "The {name} costs £{value:,}.",
    "material": "The {name} is made of {value}.",
    "size": "The {name} is {value}.",
    "colours": "The {name} comes in {value}.",
    "hours": "Our store in {name} is open {value}.",
    "address": "Our store in {name} is at {value}.",
    "store": "Our store in {name} is at {value}.",
}
PRONOUNS = ("it", "its", "that", "this", "that one", "this one", "they", "them", "their", "these", "those")
Thing = dict[str, Any]


def things() -> list[Thing]:
    """Products by price, then stores by city."""
    stock = database.query("SELECT product, city FROM stock WHERE quantity > 0 ORDER BY city")
    products = database.query("SELECT * FROM products ORDER BY price")
    stores = database.query("SELECT city AS name, address, address AS store, hours FROM stores ORDER BY city")
    for product in products:
        product["store"] = [row["city"] for row in stock if row["product"] == product["name"]]
    return [*({**row, "type": "product"} for row in products), *({**row, "type": "store"} for row in stores)]


class ShopKnowledge(KnowledgeBase):
    """The graph as rasa-sdk asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.key_attribute = defaultdict(lambda: "name")
        ordinals = {str(number + 1): number for number in range(20)} | {"LAST": -1}
        self.set_ordinal_mention_mapping({mention: at(index) for mention, index in ordinals.items()})

    def get_object_types(self) -> list[str]:
        return ["product", "store"]

    async def get_attributes_of_object(self, object_type: str) -> list[str]:
        """What a list of things can be narrowed down by."""
        return ["category", "city"]

    async def get_objects(self, object_type: str, attributes: list[dict[str, str]], limit: int = 20) -> list[Thing]:
        """``category`` is a word of the name, such as lamp, or the type itself; ``city`` a store that has it."""
        wanted = {attribute["name"]: attribute["value"] for attribute in attributes}
        word, city = wanted.get("category", "").lower().removesuffix("s"), wanted.get("city")
        return [
            thing
            for thing in things()
            if thing["type"] == object_type
            and word in f"{thing['name']} {object_type}"
            and (city is None or city.title() in thing["store"])
        ][:limit]

    async def get_object(self, object_type: str, object_identifier: str) -> Thing | None:
        """A thing by its name, whatever type the conversation was about before."""
        name = object_identifier.lower()
        return next((thing for thing in things() if thing["name"].lower() == name), None)


def at(index: int) -> Any:
    """What finds the thing that was listed at this place; None if the list is shorter."""
    return lambda listed: listed[index] if index < len(listed) else None


def spoken_of(tracker: Tracker, slot: str) -> Iterator[str]:
    """What a slot held in this conversation, the latest first."""
    events = (event for event in reversed(tracker.events) if event["event"] == "slot" and event["name"] == slot)
    return (event["value"] for event in events if event["value"] is not None)


def it(tracker: Tracker, attribute: str | None) -> str | None:
    """The last thing spoken of, if it has the attribute; else the only one in the list; else an earlier one."""
    having = {thing["name"] for thing in things() if attribute in thing}
    last, *earlier = *spoken_of(tracker, SLOT_LAST_OBJECT), None
    listed = tracker.get_slot(SLOT_LISTED_OBJECTS) or []
    return next((name for name in (last, *listed[: len(listed) == 1], *earlier) if name in having), None)


class ActionQueryShop(ActionQueryKnowledgeBase):
    """Lists things, tells an attribute of one, and follows relations."""

    def __init__(self) -> None:
        super().__init__(ShopKnowledge())

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        """Only what this message says counts, and what it leaves out: "the price?" is that of "it"."""
        said = {entity["entity"]: entity["value"] for entity in tracker.latest_message["entities"]}
        named = {name: said.get(name) for name in ENTITIES}
        attribute, mention, kind = named["attribute"], named["mention"], named["category"] or named["product"]
        if named["product"]:  # "that sofa"
            named["mention"] = None
        elif mention in self.knowledge_base.ordinal_mention_mapping:
            named["attribute"] = attribute or next(spoken_of(tracker, SLOT_ATTRIBUTE), None)
        else:
            pointed = (mention or "it").lower() in PRONOUNS
            named |= {"mention": "it", SLOT_LAST_OBJECT: it(tracker, attribute) if pointed else None}
        if attribute is None and (kind or named["object_type"]):
            named |= {"category": kind, "object_type": "product"}
        if named["attribute"] not in WORDS:
            named["attribute"] = None
        tracker.add_slots([SlotSet(name, value) for name, value in named.items()])
        return await super().run(dispatcher, tracker, domain)

    async def _query_attribute(
        self, dispatcher: CollectingDispatcher, object_type: str, attribute: str, tracker: Tracker
    ) -> list[EventType]:
        """Besides, remember the things that a relation leads to, as those that were listed."""
        slots = await super()._query_attribute(dispatcher, object_type, attribute, tracker)
        name = next((slot["value"] for slot in slots if slot["name"] == SLOT_LAST_OBJECT), None)
        thing = await self.knowledge_base.get_object(object_type, name) if name else None
        related = thing[attribute] if thing else None
        return [*slots, SlotSet(SLOT_LISTED_OBJECTS, related)] if related and isinstance(related, list) else slots

    def utter_attribute_value(
        self, dispatcher: CollectingDispatcher, object_name: str, attribute_name: str, attribute_value: Any
    ) -> None:
        """In words of the shop; a relation is a list."""
        if not isinstance(attribute_value, list):
            text = WORDS[attribute_name].format(name=object_name, value=attribute_value)
        elif attribute_value:
            cities = (f"{number}. {city}" for number, city in enumerate(attribute_value, 1))
            text = "\n".join([f"You find the {object_name} in:\n", *cities])
        else:
            text = f"The {object_name} is in none of our stores at the moment. New ones take about four weeks."
        dispatcher.utter_message(text=text)

    async def utter_objects(self, dispatcher: CollectingDispatcher, object_type: str, objects: list[Thing]) -> None:
        """One message, with the numbers that the customer may use."""
        lines = [f"{number}. {thing['name']}, £{thing['price']:,}" for number, thing in enumerate(objects, 1)]
        text = "\n".join(["These we have:\n", *lines]) if objects else "I am afraid we have nothing of that kind."
        dispatcher.utter_message(text=text)
