"""Finds out what an action name stands for, as Rasa does, and runs it."""

from collections.abc import Awaitable, Callable, Mapping

from bot.actions import builtin, fallback, knowledge
from bot.actions.extract import extract_slots
from bot.actions.loops import EXTRACT_SLOTS, run_form
from bot.actions.scene import Scene
from bot.actions.utterance import utterance
from bot.dialogue.domain import Domain
from bot.dialogue.events import Event


async def perform(scene: Scene, name: str) -> list[Event]:
    """Run an action and return its events, without the one that says it ran.

    A custom action or form that bears the name of a default one takes its place. Raises ActionError.
    """
    domain = scene.means.domain
    if name.startswith("utter_"):
        return await _say(scene, name)
    if name in domain.actions:
        return await scene.call(name)
    if name in domain.forms:
        return await run_form(scene, domain.forms[name], perform)
    if is_text(name, domain):
        return [utterance({"text": name})]
    builtin_action = _BUILTIN.get(name)
    return await (builtin_action(scene) if builtin_action else scene.call(name))


def is_text(name: str, domain: Domain) -> bool:
    """Whether the name is the text of an end-to-end bot step."""
    return name in domain.e2e_actions and name not in (*domain.actions, *domain.responses, *domain.forms)


async def _two_stage(scene: Scene) -> list[Event]:
    return await fallback.two_stage_fallback(scene, perform)


async def _say(scene: Scene, name: str) -> list[Event]:
    """Utter a response; ``utter_faq`` of a retrieval intent stands for the answer that its key names."""
    message = scene.tracker.latest_message
    key = message.parse.response_key if message else None
    said = await scene.say(name if key is None or name in scene.means.domain.responses else f"{name}/{key}")
    if not said:
        scene.turn.note_failure(name, "no_response", "no variation of this response fits")
    return said


_BUILTIN: Mapping[str, Callable[[Scene], Awaitable[list[Event]]]] = {
    "action_listen": builtin.nothing,
    "action_restart": builtin.restart,
    "action_session_start": builtin.session_start,
    "action_default_fallback": fallback.default_fallback,
    "action_deactivate_loop": builtin.deactivate_loop,
    "action_revert_fallback_events": fallback.revert_fallback_events,
    "action_default_ask_affirmation": fallback.ask_affirmation,
    "action_default_ask_rephrase": fallback.ask_rephrase,
    fallback.TWO_STAGE: _two_stage,
    "action_unlikely_intent": builtin.nothing,
    "action_back": builtin.back,
    "action_send_text": builtin.nothing,
    EXTRACT_SLOTS: extract_slots,
    "action_knowledge": knowledge.answer,
    "action_offer_person": builtin.offer_person,
    "action_handoff": builtin.handoff,
    "action_resume": builtin.resume,
}
