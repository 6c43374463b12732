from rasa_sdk import Action
from rasa_sdk.forms import FormAction


class TableForm(FormAction):
    def name(self):
        return "table_form"

    @staticmethod
    def required_slots(tracker):
        if tracker.get_slot("cuisine") == "greek":
            return ["cuisine", "num_people", "outdoor"]
        return ["cuisine", "num_people"]

    def slot_mappings(self):
        return {
            "cuisine": self.from_entity(entity="cuisine", not_intent="chitchat"),
            "num_people": [self.from_entity(entity="number", intent=["inform", "request_table"]), self.from_text()],
            "outdoor": [self.from_entity(entity="seating"), self.from_intent(intent="affirm", value=True)],
        }

    def validate_cuisine(self, value, dispatcher, tracker, domain):
        return {"cuisine": value}

    def submit(self, dispatcher, tracker, domain):
        dispatcher.utter_template("utter_slots_values", tracker)
        return []


class ActionPay(Action):
    def name(self):
        return "action_pay"

    def run(self, dispatcher, tracker, domain):
        return []
