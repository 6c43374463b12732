"""A turn laid open for the terminal: what was understood, searched, decided by whom and why, done and set."""

import json
from collections.abc import Iterator

from bot.actions.knowledge import NOT_SAID
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    Event,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.parse import Json, Parse
from bot.dialogue.policies.explain import Decided, Explainer, decided
from bot.dialogue.tracker import Tracker
from bot.ports import TurnRecord, TurnResult

RANKED = 4
HITS = 3
LONG = 80
_INDENT = " " * 13


def trace(before: Tracker, result: TurnResult, explainer: Explainer, threshold: float) -> Iterator[str]:
    """The turn that followed on ``before``, line by line. ``threshold``: below it, an intent is a fallback."""
    steps = list(decided(before, result.events))
    for at, (_, event) in enumerate(steps):
        if isinstance(event, UserUttered):
            yield from understood(event.parse, threshold)
            steps = steps[at:]  # before the message, a session may have begun
            break
    record = result.record
    yield _line("route", "; ".join((record.route, *(why for why in record.reasons if not why.startswith(NOT_SAID)))))
    if record.probability is not None:
        yield _line("searched", f"{_sought(record)}answers with probability {record.probability:.2f}")
        for hit in record.hits[:HITS]:
            yield f"{_INDENT}{hit['score']:.2f} {hit['title']} ({hit['id']})"
    yield from _support(result)
    for tracker, event in steps:
        yield from _happened(tracker, event, explainer)
    for action in record.actions:
        if "error" in action:
            yield _line("failed", f"{action['name']}: {action['error']}: {action.get('detail', '')}")
    yield _line("time", ", ".join(f"{name} {ms:.1f} ms" for name, ms in record.timings_ms.items()))


def understood(parse: Parse, threshold: float | None = None) -> Iterator[str]:
    """Intent, runners-up and entities."""
    key = f"/{parse.response_key}" if parse.response_key else ""
    limit = "" if threshold is None else f" (accepted from {threshold:.2f} on)"
    yield _line("intent", f"{parse.intent.name}{key} {parse.intent.confidence:.2f}{limit}")
    others = [score for score in parse.ranking if score.name != parse.intent.name][:RANKED]
    if others:
        yield _line("runners-up", ", ".join(f"{score.name} {score.confidence:.2f}" for score in others))
    for entity in parse.entities:
        labels = "".join(
            f", {kind} {label}" for kind, label in (("role", entity.role), ("group", entity.group)) if label
        )
        found = "" if entity.extractor is None else f" by {entity.extractor}"
        sure = "" if entity.confidence is None else f" {entity.confidence:.2f}"
        place = "" if entity.start is None else f" at {entity.start}-{entity.end}"
        yield _line("entity", f"{entity.entity} = {_short(entity.value)}{labels}{place}{found}{sure}")


def opinions(tracker: Tracker, explainer: Explainer) -> Iterator[str]:
    """What each policy says of the next action, and why."""
    for opinion in explainer.opinions(tracker):
        vote = opinion.vote
        said = "silent" if opinion.is_silent else f"{vote.action} {vote.confidence:.2f}"
        yield f"{_INDENT}{vote.policy}: {said}: {opinion.why}"


def effects(before: Tracker, events: tuple[Event, ...]) -> Iterator[str]:
    """Slots and loops that changed."""
    for tracker, event in decided(before, events):
        yield from _effect(tracker, event)


def _happened(tracker: Tracker, event: Event, explainer: Explainer) -> Iterator[str]:
    match event:
        case ActionExecuted(policy=str()) | ActionExecutionRejected():
            yield from _decision(tracker, event, explainer)
    yield from _effect(tracker, event)


def _effect(tracker: Tracker, event: Event) -> Iterator[str]:
    match event:
        case SlotSet(name=name, value=value) if tracker.slots.get(name) != value:
            yield _line("slot", f"{name}: {_short(tracker.slots.get(name))} -> {_short(value)}")
        case ActiveLoop(name=loop):
            yield _line("loop", f"{loop} begins" if loop else "ends")
        case UserUtteranceReverted():
            yield _line("taken back", "the last message")


def _decision(tracker: Tracker, event: Decided, explainer: Explainer) -> Iterator[str]:
    name = event.name or f'"{getattr(event, "action_text", "")}"'
    sure = f" {event.confidence:.2f}" if event.confidence is not None else ""
    declined = ", which declined to run" if isinstance(event, ActionExecutionRejected) else ""
    yield _line("action", f"{name}{declined}, decided by {event.policy or 'the action itself'}{sure}")
    yield from opinions(tracker, explainer)


def _support(result: TurnResult) -> Iterator[str]:
    """Which passages carry what was drafted: nothing is said that the support check does not let pass."""
    for event in result.events:
        if isinstance(event, BotUttered) and event.metadata.get("origin") == "generator":
            passages = event.metadata["passages"]
            yield _line("support", f"every sentence is carried by one of {_short(passages)}")
    yield from (_line("support", reason) for reason in result.record.reasons if reason.startswith(NOT_SAID))
    if any("no draft was supported" in reason for reason in result.record.reasons):
        yield _line("support", "no sentence of the draft is carried by the passages and answers: it is not said")


def _sought(record: TurnRecord) -> str:
    """What was searched for, where that is not the message as it is."""
    return f'"{record.searched}" ' if record.searched else ""


def _line(title: str, text: str) -> str:
    return f"  {title:<10} {text}"


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONG else f"{text[:LONG]}..."
