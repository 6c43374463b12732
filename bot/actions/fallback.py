"""What happens when a message was not understood: default fallback, affirmation, rephrasing, two stages."""

from dataclasses import replace

from bot.actions.scene import Perform, Scene
from bot.actions.texts import Phrase, phrase
from bot.actions.utterance import utterance
from bot.dialogue import forms
from bot.dialogue.domain import REQUESTED_SLOT
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    Event,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.parse import FALLBACK_INTENT, OUT_OF_SCOPE_INTENT, Json
from bot.dialogue.situation import LISTEN
from bot.dialogue.tracker import Tracker

TWO_STAGE = "action_two_stage_fallback"
ASK_AFFIRMATION = "action_default_ask_affirmation"
ASK_REPHRASE = "action_default_ask_rephrase"
DEFAULT_FALLBACK = "action_default_fallback"
_UNCLEAR = ("", FALLBACK_INTENT, OUT_OF_SCOPE_INTENT)


async def default_fallback(scene: Scene) -> list[Event]:
    """Say ``utter_default`` and take the message back.

    Rasa keeps silent without that response. Here the customer is told, and asked again what a form needs; but not of an
    intent that they never gave (a reminder's).
    """
    said = await scene.say("utter_default")
    message = scene.tracker.latest_message
    if not said and not (message and message.metadata.get("is_external")):
        said = [_words(scene, "not_understood"), *await _ask_again(scene)]
    return [*said, UserUtteranceReverted()]


async def ask_affirmation(scene: Scene) -> list[Event]:
    """Ask whether the likeliest intent is meant. With no intent to ask about, ask to rephrase."""
    message = scene.tracker.latest_message
    ranking = [score.name for score in message.parse.ranking] if message else []
    likely = [message.parse.intent.name, *ranking] if message else []
    intent = next((name for name in likely if name not in _UNCLEAR), None)
    if intent is None:
        return await ask_rephrase(scene)
    language = scene.means.language
    buttons: list[Json] = [
        {"title": phrase("yes", language), "payload": f"/{intent}"},
        {"title": phrase("no", language), "payload": f"/{OUT_OF_SCOPE_INTENT}"},
    ]
    text = phrase("affirm", language).format(intent)
    return [utterance({"text": text, "buttons": buttons, "utter_action": ASK_AFFIRMATION})]


async def ask_rephrase(scene: Scene) -> list[Event]:
    """Ask for other words: ``utter_ask_rephrase`` or a plain text."""
    return await scene.say("utter_ask_rephrase") or [_words(scene, "rephrase")]


async def two_stage_fallback(scene: Scene, perform: Perform) -> list[Event]:
    """One step of the two-stage fallback, which is a loop: affirm, rephrase, affirm, give up."""
    tracker, events = scene.tracker, list[Event]()
    entered = tracker.active_loop is None or tracker.active_loop.name != TWO_STAGE
    if entered:
        events.append(ActiveLoop(name=TWO_STAGE))
    if not _settled(tracker):
        doubted = entered or _last_intents(tracker, 1) == [FALLBACK_INTENT]
        return events + await perform(scene, ASK_AFFIRMATION if doubted else ASK_REPHRASE)
    events.append(ActiveLoop(name=None))
    if _is_hopeless(tracker):
        return events + await perform(scene, DEFAULT_FALLBACK)
    return [*events, UserUtteranceReverted(), *_clarified(tracker)]


async def revert_fallback_events(scene: Scene) -> list[Event]:
    """Take back the turns of a fallback that ended well, and keep the message that cleared it up."""
    match _last_actions(scene.tracker)[:2]:
        case [str(last), *_] if last == ASK_REPHRASE:
            turns = 3
        case [str(last), str(before)] if last == ASK_AFFIRMATION and before == ASK_REPHRASE:
            turns = 5
        case [str(last), *_] if last == ASK_AFFIRMATION:
            turns = 2
        case _:
            return []
    return [*(UserUtteranceReverted() for _ in range(turns)), *_clarified(scene.tracker)]


def _settled(tracker: Tracker) -> bool:
    clear = _last_intents(tracker, 1) not in ([FALLBACK_INTENT], [OUT_OF_SCOPE_INTENT])
    return clear or _is_hopeless(tracker)


def _is_hopeless(tracker: Tracker) -> bool:
    """Two messages in a row not understood, or the affirmation denied twice."""
    denied_twice = [OUT_OF_SCOPE_INTENT, FALLBACK_INTENT, OUT_OF_SCOPE_INTENT]
    return _last_intents(tracker, 2) == [FALLBACK_INTENT] * 2 or _last_intents(tracker, 3) == denied_twice


def _last_intents(tracker: Tracker, count: int) -> list[str]:
    """Newest first; a message that was taken back takes a place, but has no intent."""
    names: list[str] = []
    places = 0
    for event in reversed(tracker.events_after_restart()):
        if places == count:
            break
        if isinstance(event, UserUttered | UserUtteranceReverted):
            places += 1
        if isinstance(event, UserUttered):
            names.append(event.parse.intent.name)
    return names


def _last_actions(tracker: Tracker) -> list[str | None]:
    """Names of the applied actions without ``action_listen``, newest first."""
    executed = [event.name for event in tracker.applied_events if isinstance(event, ActionExecuted)]
    return [name for name in reversed(executed) if name != LISTEN]


def _clarified(tracker: Tracker) -> list[Event]:
    """The last message once more, now beyond doubt."""
    message = tracker.latest_message
    if message is None:
        return []
    sure = replace(message.parse, intent=replace(message.parse.intent, confidence=1.0))
    return [ActionExecuted(name=LISTEN), replace(message, parse=sure)]


def _words(scene: Scene, text: Phrase) -> Event:
    return utterance({"text": phrase(text, scene.means.language), "utter_action": f"kefu_{text}"})


async def _ask_again(scene: Scene) -> list[Event]:
    """The open question of the active form, if it is a plain response."""
    loop, slot = scene.tracker.active_loop, scene.tracker.slots.get(REQUESTED_SLOT)
    if loop is None or not isinstance(slot, str):
        return []
    question = forms.question(loop.name, slot, scene.means.domain)
    return await scene.say(question) if question and question.startswith("utter_") else []
