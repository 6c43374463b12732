"""What the files of an assistant say about each other: names that nobody defines, things that nobody uses.

Pure and complete: it needs only the ``Project``. A fault is what the bot could not run; a name that merely has no
effect (an intent that is never heard, a mapping that never applies) and what is odd is a notice, as Rasa warns of it.
"""

from collections.abc import Iterable

from bot.dialogue.checks import Checks, base
from bot.dialogue.domain import DEFAULT_INTENTS, Slot
from bot.dialogue.errors import Fault, printable
from bot.dialogue.nlu_checks import data_notices, story_notices
from bot.dialogue.project import NluExample, Place, Project
from bot.dialogue.reading import suggest
from bot.dialogue.responses import placeholders
from bot.dialogue.story_checks import check_stories

UTTER = "utter_"
SAID_BY_ACTIONS = (
    "utter_action_failed",
    "utter_ask_affirmation",
    "utter_ask_rephrase",
    "utter_back",
    "utter_default",
    "utter_handoff",
    "utter_offer_person",
    "utter_restart",
    "utter_resume",
)
"""Responses that built-in actions say."""


def check(project: Project) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """Compare all parts of a project: faults that stop it, and notices ready to print."""
    checks = Checks(project)
    for slot in project.domain.slots.values():
        _slot(checks, slot)
    _forms(checks)
    _used_entities(checks)
    _listed_responses(checks)
    _response_slots(checks)
    _examples(checks)
    check_stories(checks)
    _unused_responses(checks)
    checks.notices += map(printable, (*data_notices(project.nlu), *story_notices(project)))
    return tuple(checks.faults), tuple(checks.notices)


def _slot(checks: Checks, slot: Slot) -> None:
    place, where = checks.place(f"slot {slot.name}"), f'the slot "{slot.name}"'
    for mapping in slot.mappings:
        checks.met(place, "entity", mapping.entity, checks.domain.entities, where)
        checks.labels(place, where, mapping.entity, mapping.role, mapping.group)
        checks.met(place, "action", mapping.action, checks.actions, where)
        for intent in (*mapping.intent, *mapping.not_intent):
            checks.intent(place, intent, where)
        for condition in mapping.conditions:
            checks.met(place, "form", condition.active_loop, checks.loops, where)
            checks.met(place, "slot", condition.requested_slot, checks.domain.slots, where)


def _forms(checks: Checks) -> None:
    for form in checks.domain.forms.values():
        place, where = checks.place(f"form {form.name}"), f'the form "{form.name}"'
        for intent in form.ignored_intents:
            checks.intent(place, intent, where)
        for slot in form.required_slots:
            checks.known(place, "slot", slot, checks.domain.slots, where)
            asks = {f"{kind}_ask_{part}" for part in (f"{form.name}_{slot}", slot) for kind in ("action", "utter")}
            checks.used_actions |= asks
            if not asks & checks.actions:
                checks.notice(place, f'{where} has no words to ask for "{slot}"; add the response "utter_ask_{slot}"')


def _used_entities(checks: Checks) -> None:
    entities = checks.domain.entities.values()
    labels = {f"{spec.name}#{label}" for spec in entities for label in (*spec.roles, *spec.groups)}
    for intent in checks.domain.intents.values():
        for label in intent.used_entities:
            if label not in labels and label not in checks.domain.entities:
                text = f'the intent "{intent.name}" uses the entity "{label}", which the domain does not have'
                checks.notice(checks.place(f"intent {intent.name}"), text)


def _listed_responses(checks: Checks) -> None:
    """Note what is listed as an action, is called a response and has no words (unless a server writes them)."""
    if "nlg" in checks.project.endpoints:
        return
    spoken = {*checks.domain.responses, *map(base, checks.domain.responses)}
    for action in checks.domain.actions:
        if action.startswith(UTTER) and action not in spoken:
            place = checks.place(f"action {action}")
            checks.fault(place, f'the action "{action}" has no response', f'add "{action}:" under responses')


def _response_slots(checks: Checks) -> None:
    for name, variations in checks.domain.responses.items():
        place, where = checks.place(f"response {name}"), f'the response "{name}"'
        for variation in variations:
            for condition in variation.conditions or ():
                checks.met(place, "slot", condition.slot, checks.domain.slots, where)
            if not checks.domain.actions:
                _unfillable(checks, place, where, placeholders(variation))


def _unfillable(checks: Checks, place: Place, where: str, names: Iterable[str]) -> None:
    """Note placeholders that nothing fills: only slots can, where there are no custom actions."""
    for name in names:
        if name not in checks.domain.slots:
            checks.notice(place, f'{where} has "{{{name}}}", and there is no slot "{name}"')


def _examples(checks: Checks) -> None:
    intents: set[str] = set()
    entities: set[tuple[str, str | None, str | None]] = set()
    texts: dict[str, NluExample] = {}
    for example in checks.project.nlu.examples:
        place = Place(path=example.path, line=example.line)
        if example.intent not in intents:
            checks.intent(place, example.intent, "an example")
            intents |= {example.intent, base(example.intent)}
        for span in example.entities:
            label = (span.entity, span.role, span.group)
            if label not in entities:
                entities.add(label)
                _annotation(checks, place, *label)
        other = texts.setdefault(example.text.casefold(), example)
        if other.intent != example.intent:
            text = f'"{example.text}" is an example of "{example.intent}" and of "{other.intent}"'
            checks.notice(place, f"{text} ({other.path}:{other.line})")
    _untrained(checks, intents)


def _annotation(checks: Checks, place: Place, entity: str, role: str | None, group: str | None) -> None:
    """Note an entity that is learned and, since the domain does not have it, changes nothing: Rasa lets it pass."""
    if entity not in checks.domain.entities:
        meant = suggest(entity, checks.domain.entities)
        checks.notice(place, f'an example names the entity "{entity}", which the domain does not have; {meant}')
    checks.labels(place, "an example", entity, role, group)


def _untrained(checks: Checks, trained: set[str]) -> None:
    for name in checks.domain.intents:
        place = checks.project.places.get(f"intent {name}")
        if place is not None and name not in trained and name not in DEFAULT_INTENTS:
            checks.notice(place, f'the intent "{name}" has no examples')


def _unused_responses(checks: Checks) -> None:
    """Note responses that no story, rule or form says; custom actions may say any, so only where there are none."""
    project = checks.project
    if checks.domain.actions or not (project.stories or project.rules):
        return
    for name in checks.domain.responses:
        if not {name, base(name)} & {*checks.used_actions, *SAID_BY_ACTIONS}:
            checks.notice(checks.place(f"response {name}"), f'the response "{name}" is never used')
