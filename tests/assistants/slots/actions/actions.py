"""A slot that only an action can fill, and one that empties all."""

from rasa_sdk import Action
from rasa_sdk.events import AllSlotsReset, SlotSet

WALLETS = {"by card": "card", "with coins": "CASH", "in sea shells": "shells"}


class Wallet(Action):
    def name(self):
        return "action_wallet"

    def run(self, dispatcher, tracker, domain):
        wallet = WALLETS.get(tracker.latest_message.get("text"))
        return [SlotSet("wallet", wallet)] if wallet else []


class Forget(Action):
    def name(self):
        return "action_forget"

    def run(self, dispatcher, tracker, domain):
        return [AllSlotsReset()]
