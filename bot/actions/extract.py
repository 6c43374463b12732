"""Filling slots after a message: the pure extraction, then the custom actions that it names, then validation."""

from bot.actions.scene import Scene
from bot.dialogue.events import BotUttered, Event, SlotSet
from bot.dialogue.slots import extract_slots as offers
from bot.errors import ActionError

VALIDATE = "action_validate_slot_mappings"


async def extract_slots(scene: Scene) -> list[Event]:
    """Slot events, and what custom actions said meanwhile. An action that fails only leaves its slots empty."""
    events: list[Event] = []
    for offer in offers(scene.tracker):
        events += [offer] if isinstance(offer, SlotSet) else await _ask(scene, offer.name)
    if VALIDATE not in scene.means.domain.actions:
        return events
    return await _validated(scene, events)


async def _validated(scene: Scene, events: list[Event]) -> list[Event]:
    """What the validation says of a slot wins; a candidate that it does not mention stays."""
    offered = [event for event in events if isinstance(event, SlotSet)]
    answered = await _ask(scene.after(offered), VALIDATE)
    settled = {event.name for event in answered if isinstance(event, SlotSet)}
    said = [event for event in events if isinstance(event, BotUttered)]
    return [*said, *answered, *(event for event in offered if event.name not in settled)]


async def _ask(scene: Scene, action: str) -> list[Event]:
    """The slots and the words of a custom action; other events have no place here."""
    try:
        events = await scene.call(action)
    except ActionError as exc:
        scene.turn.note_failure(action, exc.code, str(exc))
        return []
    return [event for event in events if isinstance(event, SlotSet | BotUttered)]
