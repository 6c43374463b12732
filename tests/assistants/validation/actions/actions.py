"""A form whose slots are checked, one of which the server finds itself, and which a large party makes longer."""

from rasa_sdk import Action, FormValidationAction, ValidationAction


class ValidateTable(FormValidationAction):
    def name(self):
        return "validate_table_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        seats = tracker.get_slot("seats")
        if seats == 0:
            return []
        large = isinstance(seats, int) and seats > 5
        return [*domain_slots, "wish", *(["phone"] if large else [])]

    def validate_seats(self, value, dispatcher, tracker, domain):
        if int(value) <= 8:
            return {"seats": int(value)}
        dispatcher.utter_message(response="utter_too_many")
        return {"seats": None}

    def extract_wish(self, dispatcher, tracker, domain):
        asked = tracker.get_slot("requested_slot") == "wish"
        return {"wish": tracker.latest_message["text"]} if asked else {}


class ValidateSlots(ValidationAction):
    """Colours have one name each, and blue is none."""

    def validate_colour(self, value, dispatcher, tracker, domain):
        return {"colour": {"crimson": "red", "blue": None}.get(value, value)}


class AskWish(Action):
    def name(self):
        return "action_ask_wish"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Anything you wish?")
        return []
