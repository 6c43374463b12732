"""A reminder that is set and, if the customer thinks better of it, taken back."""

from datetime import UTC, datetime, timedelta

from rasa_sdk import Action
from rasa_sdk.events import ReminderCancelled, ReminderScheduled


class Remind(Action):
    def name(self):
        return "action_remind"

    def run(self, dispatcher, tracker, domain):
        at = datetime.now(UTC) + timedelta(hours=1)
        return [ReminderScheduled("EXTERNAL_due", trigger_date_time=at, name="due", kill_on_user_message=False)]


class Forget(Action):
    def name(self):
        return "action_forget"

    def run(self, dispatcher, tracker, domain):
        return [ReminderCancelled(name="due")]
