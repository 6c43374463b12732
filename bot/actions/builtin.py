"""The small default actions. Each takes the scene and returns the events it makes, in order."""

from bot.actions.scene import Scene
from bot.actions.texts import Phrase, phrase
from bot.actions.utterance import utterance
from bot.dialogue.domain import REQUESTED_SLOT
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    ConversationPaused,
    ConversationResumed,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
)
from bot.dialogue.parse import Json
from bot.dialogue.situation import LISTEN
from bot.errors import ActionError


async def nothing(_: Scene) -> list[Event]:
    """``action_listen`` and ``action_unlikely_intent`` only mark the place where they stand."""
    return []


async def restart(scene: Scene) -> list[Event]:
    """Say ``utter_restart`` if there is one and forget everything; a new session follows."""
    return [*await scene.say("utter_restart"), Restarted()]


async def session_start(scene: Scene) -> list[Event]:
    """Begin a session; slots come along if the domain says so, each with its last value."""
    carried: dict[str, SlotSet] = {}
    if scene.means.domain.session_config.carry_over_slots_to_new_session:
        for event in scene.tracker.applied_events:
            if isinstance(event, SlotSet):
                carried[event.name] = event
    return [SessionStarted(), *carried.values(), ActionExecuted(name=LISTEN)]


async def back(scene: Scene) -> list[Event]:
    """Take back this message and the one before it."""
    return [*await scene.say("utter_back"), UserUtteranceReverted(), UserUtteranceReverted()]


async def deactivate_loop(_: Scene) -> list[Event]:
    """Leave the active form."""
    return [ActiveLoop(name=None), SlotSet(name=REQUESTED_SLOT, value=None)]


async def handoff(scene: Scene) -> list[Event]:
    """Tell the customer that a person takes over (``utter_handoff``), and keep silent from here on."""
    said = await scene.say("utter_handoff") or [_say(scene, "handoff", _button(scene, "back_to_bot", "/action_resume"))]
    return [*said, ConversationPaused()]


async def resume(scene: Scene) -> list[Event]:
    """Speak again, and say so (``utter_resume``)."""
    return [ConversationResumed(), *(await scene.say("utter_resume") or [_say(scene, "resumed")])]


async def offer_person(scene: Scene) -> list[Event]:
    """Offer a person: ``utter_offer_person``, else ``utter_default``, else a text with a button that works."""
    for response in ("utter_offer_person", "utter_default"):
        if said := await scene.say(response):
            return said
    return [_say(scene, "offer_person", _button(scene, "person", "/action_handoff"))]


async def apology(scene: Scene) -> list[Event]:
    """What the customer hears when something failed: ``utter_action_failed`` or a plain text."""
    try:
        return await scene.say("utter_action_failed") or [_say(scene, "failed")]
    except ActionError:  # the server that words responses is down, too
        return [_say(scene, "failed")]


def _say(scene: Scene, text: Phrase, button: Json = None) -> Event:
    words = phrase(text, scene.means.language)
    return utterance({"text": words, "buttons": [button] if button else [], "utter_action": f"kefu_{text}"})


def _button(scene: Scene, title: Phrase, payload: str) -> Json:
    return {"title": phrase(title, scene.means.language), "payload": payload}
