"""The custom actions of the Maple & Pine assistant, for a rasa-sdk action server."""

from actions.catalogue import ActionQueryShop
from actions.forms import ValidateCancelForm, ValidateOrderStatusForm, ValidateReturnForm
from actions.orders import ActionCancelOrder, ActionOrderStatus, ActionSubmitReturn
from actions.stores import ActionCheckStock, ActionStoreHours

__all__ = [
    "ActionCancelOrder",
    "ActionCheckStock",
    "ActionOrderStatus",
    "ActionQueryShop",
    "ActionStoreHours",
    "ActionSubmitReturn",
    "ValidateCancelForm",
    "ValidateOrderStatusForm",
    "ValidateReturnForm",
]
