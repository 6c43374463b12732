"""Actions for a real rasa-sdk server: a validated form, and every way in which an action can go wrong."""

import asyncio
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker, ValidationAction
from rasa_sdk.events import ConversationPaused, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection


class ValidateBooking(FormValidationAction):
    """Seats must be 1 to 8; from six on, a phone number is wanted, too."""

    def name(self) -> str:
        return "validate_booking_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        seats = tracker.get_slot("seats")
        return [*domain_slots, "phone"] if isinstance(seats, int) and seats > 5 else domain_slots

    def validate_seats(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict):
        if str(value).isdigit() and 1 <= int(value) <= 8:
            return {"seats": int(value)}
        dispatcher.utter_message(response="utter_bad_seats", given=value)
        return {"seats": None}

    def extract_phone(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict):
        text = tracker.latest_message.get("text") or ""
        asked = tracker.get_slot("requested_slot") == "phone"
        return {"phone": text} if asked and text.startswith("+") else {}


class ValidateSlots(ValidationAction):
    def validate_city(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict):
        return {"city": None if value == "Atlantis" else str(value).title()}


class Echo(Action):
    """What an action can see of the idempotency key and the domain."""

    def name(self) -> str:
        return "action_echo"

    def run(self, dispatcher, tracker, domain):
        key = tracker.latest_message["metadata"]["idempotency_key"]
        dispatcher.utter_message(text=f"{key} {len(domain['intents'])} {tracker.latest_message['text']}")
        dispatcher.utter_message(text="Sure?", buttons=[{"title": "Yes", "payload": "/affirm"}])
        dispatcher.utter_message(json_message={"kind": "card"}, image="https://x.example/a.png")
        return [SlotSet("city", "Köln")]


class Pause(Action):
    def name(self) -> str:
        return "action_pause"

    def run(self, dispatcher, tracker, domain):
        return [ConversationPaused()]


class Reject(Action):
    def name(self) -> str:
        return "action_reject"

    def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection(self.name(), "not now")


class Crash(Action):
    def name(self) -> str:
        return "action_crash"

    def run(self, dispatcher, tracker, domain):
        raise RuntimeError("a bug")


class Sleep(Action):
    def name(self) -> str:
        return "action_sleep"

    async def run(self, dispatcher, tracker, domain):
        await asyncio.sleep(30)
        return []
