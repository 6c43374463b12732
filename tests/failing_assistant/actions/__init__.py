"""The booking of the assistant whose test stories fail on purpose."""

from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class Book(Action):
    """Books a room: it does so in memory, which is enough to be believed. Oslo is full."""

    def name(self) -> str:
        return "action_book"

    def run(self, dispatcher, tracker, domain):
        city = tracker.get_slot("city")
        if city == "Atlantis":
            raise LookupError("there is no hotel there")
        dispatcher.utter_message(text=f"I have asked our house in {city}.")
        return [SlotSet("booked", city != "Oslo")]
