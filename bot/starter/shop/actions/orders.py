"""Looking orders up, returning and cancelling them. Run twice for one message, each changes nothing the second time."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions import database

STATES = {
    "processing": "Order {number} ({product}) of {ordered} is being prepared. It should arrive {eta} with {carrier}.",
    "shipped": "Order {number} ({product}) of {ordered} is on its way with {carrier} and should arrive on {eta}.",
    "delivered": "Order {number} ({product}) of {ordered} was delivered {eta} by {carrier}.",
    "cancelled": "Order {number} ({product}) of {ordered} was cancelled.",
}


class ActionOrderStatus(Action):
    """Tell where an order is."""

    def name(self) -> str:
        return "action_order_status"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        order = database.order(tracker.get_slot("order_number"))
        if order is None:
            dispatcher.utter_message(text="I cannot find that order any more.")
            return [SlotSet("order_cancelled", False), SlotSet("order_number", None)]
        dispatcher.utter_message(text=STATES[order["state"]].format(**order))
        return [SlotSet("order_cancelled", order["state"] == "cancelled")]


class ActionSubmitReturn(Action):
    """Register the return if the customer confirmed it."""

    def name(self) -> str:
        return "action_submit_return"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        number = tracker.get_slot("order_number")
        if tracker.get_slot("return_confirmed"):
            database.execute("INSERT OR IGNORE INTO returns VALUES (?, ?)", number, tracker.get_slot("return_reason"))
            dispatcher.utter_message(
                text=f"Your return of order {number} is registered. The label is on its way to your e-mail address; "
                "please send the item within 14 days."
            )
        else:
            dispatcher.utter_message(text="All right, I have not registered a return.")
        return cleared("return_reason", "return_confirmed", "order_number")


class ActionCancelOrder(Action):
    """Cancel the order if the customer confirmed it and it is still in the warehouse."""

    def name(self) -> str:
        return "action_cancel_order"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[EventType]:
        number = tracker.get_slot("order_number")
        if not tracker.get_slot("cancel_confirmed"):
            dispatcher.utter_message(text=f"All right, order {number} stays as it is.")
            return cleared("cancel_confirmed", "order_number")
        database.execute("UPDATE orders SET state = 'cancelled' WHERE number = ? AND state = 'processing'", number)
        order: dict[str, Any] = database.order(number) or {"state": "unknown"}
        if order["state"] == "cancelled":
            outcome = "is cancelled. You get your money back within 5 working days."
        else:
            outcome = "has just left the warehouse and cannot be cancelled any more."
        dispatcher.utter_message(text=f"Order {number} {outcome}")
        return cleared("cancel_confirmed", "order_number")


def cleared(*slots: str) -> list[EventType]:
    """Events that forget what the finished form asked for."""
    return [SlotSet(slot, None) for slot in slots]
