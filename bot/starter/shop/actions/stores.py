"""Stock and opening hours."""

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions import database


class ActionCheckStock(Action):
    """Tell where a product is in stock."""

    def name(self) -> str:
        return "action_check_stock"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        product, city = tracker.get_slot("product"), tracker.get_slot("city")
        if not product:
            dispatcher.utter_message(text="Which product are you looking for, and in which city?")
            return []
        rows = database.query("SELECT city, quantity FROM stock WHERE product = lower(?) AND quantity > 0", product)
        here = [row for row in rows if city and row["city"].lower() == city.lower()]
        places = ", ".join(f"{row['city']} ({row['quantity']})" for row in here or rows)
        if not rows:
            outcome = "is out of stock at the moment; new ones take about four weeks."
        elif city and not here:
            outcome = f"is not in stock in {city}, but we have it in {places}."
        else:
            outcome = f"is in stock: {places}. You can reserve it in the shop or order it online."
        dispatcher.utter_message(text=f"The {product} {outcome}")
        return [SlotSet("product", None), SlotSet("city", None)]


class ActionStoreHours(Action):
    """Tell where a store is and when it opens."""

    def name(self) -> str:
        return "action_store_hours"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        city = tracker.get_slot("city")
        stores = database.query("SELECT * FROM stores ORDER BY city")
        here = [store for store in stores if city and store["city"].lower() == city.lower()]
        if city and not here:
            dispatcher.utter_message(text=f"We have no store in {city}. These are our stores:")
        dispatcher.utter_message(
            text="\n".join(f"- **{store['city']}**, {store['address']}: {store['hours']}" for store in here or stores)
        )
        return [SlotSet("city", None)]
