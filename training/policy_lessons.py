"""Stories and rules as lessons for the learned policy, and stories told one after the other."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from bot.dialogue.domain import Domain
from bot.dialogue.events import Event
from bot.dialogue.policies.examples import unset
from bot.dialogue.situation import LISTEN, action_label
from bot.dialogue.states import state_of
from bot.dialogue.stories import ANYTHING, Dialogue
from bot.dialogue.tracker import Tracker
from training.policy_fit import Lesson, Step

MOST_PAIRS = 300


def lessons_of(stories: Sequence[Dialogue], rules: Sequence[Dialogue], domain: Domain, *, seed: int) -> list[Lesson]:
    """What there is to learn: each story, pairs of stories, and each rule behind its ``...``."""
    told = [(story.events, story.unpredictable) for story in stories]
    found = [_lesson(events, opening, domain) for events, opening in (*told, *_pairs(stories, domain, seed))]
    found += [_rule(rule, domain) for rule in rules]
    return [lesson for lesson in found if lesson]


def _pairs(stories: Sequence[Dialogue], domain: Domain, seed: int) -> Iterator[tuple[Sequence[Event], int | None]]:
    """Stories told one after the other, as customers do: the second is to be known although it does not begin there.

    None that leaves a loop running comes first, and none that the bot opens comes second.
    """
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    firsts = [story for story in stories if Tracker.start("", domain, story.events).active_loop is None]
    seconds = [story for story in stories if story.unpredictable is None]
    if firsts and seconds:
        for _ in range(min(len(stories) // 2, MOST_PAIRS)):
            first, second = order.choice(firsts), order.choice(seconds)
            yield (*first.events, *second.events[1:]), first.unpredictable


def _lesson(events: Sequence[Event], unpredictable: int | None, domain: Domain) -> Lesson:
    opening = None if unpredictable is None else events[unpredictable]
    steps = [
        Step(state=state_of(situation, domain), action=None if action is opening else action_label(action))
        for situation, action in Tracker.start("", domain, events).decisions()
    ]
    asked = [replace(s, intent=after.state.intent) if s.action == LISTEN else s for s, after in pairwise(steps)]
    return [*asked, *steps[-1:]]


def _rule(rule: Dialogue, domain: Domain) -> Lesson:
    """A rule begins anywhere: what is known is what follows its ``...``, but not that anything may follow it."""
    lesson = _lesson(rule.events, rule.unpredictable, unset(domain))
    start = next((at + 1 for at, step in enumerate(lesson) if step.state.action == ANYTHING), 0)
    return [step for step in lesson[start:] if step.action != ANYTHING]
