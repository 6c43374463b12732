"""An action server for the published helpdesk assistant, written after its domain: incidents are kept in memory.

The assistant comes without its own, which talks to a ticket system. Nothing here is there to make a test pass: an email
address has to be one, a priority one of three, and an incident is opened only once the customer has confirmed it.
"""

import re
from collections import defaultdict
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PRIORITIES = ("low", "medium", "high")
INCIDENTS: dict[str, list[dict[str, str]]] = defaultdict(list)


class AskEmail(Action):
    """A customer who has named an address before is offered it again."""

    def name(self) -> str:
        return "action_ask_email"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict) -> list[dict[str, Any]]:
        known = tracker.get_slot("previous_email")
        dispatcher.utter_message(response="utter_ask_use_previous_email" if known else "utter_ask_email")
        return []


def checked_email(value: Any, dispatcher: CollectingDispatcher, tracker: Tracker) -> dict[str, Any]:
    """An address, or yes or no to the one that was named before."""
    if value is True:
        return {"email": tracker.get_slot("previous_email")}
    if value is False:
        return {"email": None, "previous_email": None}
    if ADDRESS.fullmatch(str(value)):
        return {"email": value}
    dispatcher.utter_message(response="utter_no_email", email=value)
    return {"email": None}


class ValidateStatus(FormValidationAction):
    def name(self) -> str:
        return "validate_incident_status_form"

    def validate_email(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict):
        return checked_email(value, dispatcher, tracker)


class ValidateIncident(FormValidationAction):
    def name(self) -> str:
        return "validate_open_incident_form"

    def validate_email(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict):
        return checked_email(value, dispatcher, tracker)

    def validate_priority(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict):
        if str(value).lower() in PRIORITIES:
            return {"priority": str(value).lower()}
        dispatcher.utter_message(response="utter_no_priority", priority=value)
        return {"priority": None}


class OpenIncident(Action):
    def name(self) -> str:
        return "action_open_incident"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict) -> list[dict[str, Any]]:
        email = tracker.get_slot("email")
        if tracker.get_slot("confirm"):
            INCIDENTS[email].append({"title": tracker.get_slot("incident_title"), "state": "new"})
            dispatcher.utter_message(text=f"Incident {len(INCIDENTS[email])} is opened for {email}.")
        else:
            dispatcher.utter_message(response="utter_incident_creation_canceled")
        return [AllSlotsReset(), SlotSet("previous_email", email)]


class CheckStatus(Action):
    def name(self) -> str:
        return "action_check_incident_status"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict) -> list[dict[str, Any]]:
        email = tracker.get_slot("email")
        for incident in INCIDENTS[email]:
            dispatcher.utter_message(text=f"{incident['title']}: {incident['state']}")
        if not INCIDENTS[email]:
            dispatcher.utter_message(text=f"There is no incident of {email}.")
        return [AllSlotsReset(), SlotSet("previous_email", email)]


class HandoffOptions(Action):
    def name(self) -> str:
        return "action_handoff_options"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict) -> list[dict[str, Any]]:
        button = {"title": "Talk to a person", "payload": '/trigger_handoff{"handoff_to": "helpdesk"}'}
        dispatcher.utter_message(text="Who would you like to talk to?", buttons=[button])
        return []


class Handoff(Action):
    def name(self) -> str:
        return "action_handoff"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict) -> list[dict[str, Any]]:
        dispatcher.utter_message(response="utter_handoff")
        dispatcher.utter_message(response="utter_no_handoff")
        return []
