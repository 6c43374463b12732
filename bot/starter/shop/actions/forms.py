"""What the forms accept."""

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import FormValidationAction
from rasa_sdk.types import DomainDict

from actions import database

ORDER_NUMBER = re.compile(r"(?:MP)?[- ]?(\d{5})", re.IGNORECASE)


def known_order(value: Any, dispatcher: CollectingDispatcher) -> dict[str, Any] | None:
    """The order that the customer named, or None after telling them what is wrong."""
    found = ORDER_NUMBER.fullmatch(str(value).strip())
    number = f"MP-{found.group(1)}" if found else None
    order = database.order(number)
    if number is None:
        dispatcher.utter_message(text="An order number looks like MP-12345.")
    elif order is None:
        dispatcher.utter_message(text=f"I cannot find an order {number}. Please check the number in your e-mail.")
    return order


class ValidateOrderStatusForm(FormValidationAction):
    """The order must exist."""

    def name(self) -> str:
        return "validate_order_status_form"

    def validate_order_number(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        order = known_order(value, dispatcher)
        return {"order_number": order["number"] if order else None}


class ValidateReturnForm(FormValidationAction):
    """Only what was delivered can come back, once, and with a reason."""

    def name(self) -> str:
        return "validate_return_form"

    def validate_order_number(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        order = known_order(value, dispatcher)
        if order is None:
            return {"order_number": None}
        if order["state"] != "delivered":
            dispatcher.utter_message(
                text=f"Order {order['number']} is {order['state']}; only a delivered order can be returned."
            )
            return {"order_number": None}
        if database.query("SELECT 1 FROM returns WHERE order_number = ?", order["number"]):
            dispatcher.utter_message(text=f"A return of order {order['number']} is registered already.")
            return {"order_number": None}
        return {"order_number": order["number"]}

    def validate_return_reason(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        if len(str(value).strip()) < 4:
            dispatcher.utter_message(text="Please give a reason in a few words.")
            return {"return_reason": None}
        return {"return_reason": str(value).strip()[:500]}


class ValidateCancelForm(FormValidationAction):
    """Only an order that has not left the warehouse can be cancelled."""

    def name(self) -> str:
        return "validate_cancel_form"

    def validate_order_number(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> dict[str, Any]:
        order = known_order(value, dispatcher)
        if order is None:
            return {"order_number": None}
        if order["state"] != "processing":
            text = f"Order {order['number']} is {order['state']} and cannot be cancelled any more."
            dispatcher.utter_message(text=text)
            return {"order_number": None}
        return {"order_number": order["number"]}
