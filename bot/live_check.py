"""What a running bot did in a turn, compared with what a test story says. Pure.

The actions have to be those of the story, in order. What the bot says for a response has to be one of its variations,
with the values that slots had in the turn; what forms and custom actions say is theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bot.actions.utterance import reply_of, utterance
from bot.channels.rasa_messages import rasa_messages
from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, ActiveLoop, BotUttered, Event
from bot.dialogue.parse import Json
from bot.dialogue.responses import render
from bot.dialogue.situation import action_label
from bot.dialogue.tracker import Tracker
from bot.live_script import UNHEARD, ScriptTurn, WantedSlot

Message = Mapping[str, Json]
APOLOGIES = ("utter_action_failed", "kefu_failed")
SESSION_START = "action_session_start"
VALIDATE = "action_validate_slot_mappings"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTurn:
    """A turn as it went: what was ``before`` it, its events, and what the customer got as the REST channel has it."""

    before: Tracker
    events: Sequence[Event]
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is not as the story says, and at which of its lines."""

    line: int
    what: str


def differences(turn: ScriptTurn, seen: SeenTurn, domain: Domain, *, own_words: bool = True) -> list[Difference]:
    """Compare a turn. ``own_words``: the responses are the domain's; False where an NLG server finds the words."""
    found = [Difference(line=turn.line, what=what) for what in _failures(seen.events)]
    wanted, done = [action.name for action in turn.actions], _actions(seen.events, domain)
    if [_base(name) for name in _once(wanted, domain)] != done:
        what = f"the bot did {_listed(done)}; the story says {_listed(wanted)}"
        found.append(Difference(line=turn.actions[0].line if turn.actions else turn.line, what=what))
    elif own_words:
        found += _words(turn, seen, domain)
    return [*found, *_slots(turn, seen), *_loops(turn, seen)]


def _failures(events: Iterable[Event]) -> list[str]:
    said = [event for event in events if isinstance(event, BotUttered)]
    apologies = [event for event in said if event.metadata.get("utter_action") in APOLOGIES]
    return ["an action failed, and the bot apologised; its log says why" for _ in apologies]


def _actions(events: Iterable[Event], domain: Domain) -> list[str]:
    done = [action_label(event) for event in events if isinstance(event, ActionExecuted)]
    return _once([_base(name) for name in done if name not in UNHEARD], domain)


def _once(names: Sequence[str], domain: Domain) -> list[str]:
    """A form runs once for each of its questions; how often is not the story's."""
    return [name for at, name in enumerate(names) if at == 0 or name != names[at - 1] or name not in domain.forms]


def _base(name: str) -> str:
    return name.split("/", 1)[0] if name.startswith("utter_") else name


def _words(turn: ScriptTurn, seen: SeenTurn, domain: Domain) -> list[Difference]:
    """Go through the messages, response by response; what comes between is said by forms and custom actions."""
    found: list[Difference] = []
    left = [{key: value for key, value in message.items() if key != "sources"} for message in seen.messages]
    situations = list(_slot_values(seen))
    others_speak = _speaks_before(seen.events, domain)
    for action in turn.actions:
        options = _variations(action.name, domain, situations)
        if options is None:
            others_speak = True
            continue
        places = range(len(left) + 1) if others_speak else range(1)
        at = next((at for at in places if any(left[at : at + len(said)] == said for said in options)), None)
        if at is None:
            heard = _quoted(left if others_speak else left[:1])
            what = f"the customer got {heard}; {action.name} says {_quoted(options[0] if options else [])}"
            found.append(Difference(line=action.line, what=what))
            return found
        length = max(len(said) for said in options if left[at : at + len(said)] == said)
        left = left[at + length :]
        others_speak = False
    if left and not others_speak:
        found.append(Difference(line=turn.line, what=f"the customer also got {_quoted(left)}"))
    return found


def _speaks_before(events: Iterable[Event], domain: Domain) -> bool:
    """Whether custom actions may say something before the first action: at the start of a session, or filling slots."""
    began = any(isinstance(event, ActionExecuted) and event.name == SESSION_START for event in events)
    fills = any(mapping.action for slot in domain.slots.values() for mapping in slot.mappings)
    return fills or VALIDATE in domain.actions or (began and SESSION_START in domain.actions)


def _variations(name: str, domain: Domain, situations: Sequence[Mapping[str, Json]]) -> list[list[Message]] | None:
    """Every way to say a response, each as messages; None for an action that is no response."""
    if name in domain.e2e_actions:
        return [_shown({"text": name})]
    keyed = [response for response in domain.responses if response == name or response.startswith(f"{name}/")]
    if not keyed:
        return None
    return [
        _shown({key: value for key, value in asdict(render(variation, slots)).items() if value and key != "notes"})
        for response in keyed
        for variation in domain.responses[response]
        for slots in situations
    ]


def _shown(message: Message) -> list[Message]:
    shown = rasa_messages("", [reply_of(utterance(message), "")])
    return [{key: value for key, value in part.items() if key != "recipient_id"} for part in shown]


def _slot_values(seen: SeenTurn) -> Iterable[Mapping[str, Json]]:
    """What the slots were before the turn and whenever one changed."""
    tracker = seen.before
    yield dict(tracker.slots)
    for event in seen.events:
        after = tracker.apply(event)
        if after.slots != tracker.slots:
            yield dict(after.slots)
        tracker = after


def _slots(turn: ScriptTurn, seen: SeenTurn) -> list[Difference]:
    values = list(_slot_values(seen))
    return [
        Difference(line=slot.line, what=f"the slot {slot.name} is {values[-1].get(slot.name)!r}, not {_meant(slot)}")
        for slot in turn.slots
        if not any(_is_met(slot, at.get(slot.name)) for at in values[1:] or values)
    ]


def _is_met(slot: WantedSlot, value: Json) -> bool:
    if slot.any_value:
        return value is not None
    return value == slot.value or (value is not None and str(value) == str(slot.value))


def _meant(slot: WantedSlot) -> str:
    return "set" if slot.any_value else repr(slot.value)


def _loops(turn: ScriptTurn, seen: SeenTurn) -> list[Difference]:
    after = seen.before.apply(*seen.events).active_loop
    now = after.name if after is not None else None
    been = {now, *(event.name for event in seen.events if isinstance(event, ActiveLoop))}
    return [
        Difference(line=loop.line, what=f"the active form is {now or 'none'}, not {loop.name or 'none'}")
        for loop in turn.loops
        if loop.name not in been
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _quoted(messages: Sequence[Message]) -> str:
    shown = [str(message.get("text") or {key: message[key] for key in message}) for message in messages]
    return " | ".join(f'"{text}"' for text in shown) or "nothing"
