"""Test stories, as ``kefu test`` runs them: does the assistant understand and do what each story says?

A story is replayed event by event. Messages are parsed and compared with what is annotated, actions are
predicted and compared; then the conversation goes on with what the story says, so that one mistake is not
counted twice. No action and no form is run: what they would set has to be in the story. The report is
``story_report``. The meaning is that of ``rasa test`` (3.6); where it differs, ``docs/testing.md`` says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import takewhile

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, ActionExecutionRejected, Event, UserUttered
from bot.dialogue.parse import Entity, Parse
from bot.dialogue.policies import Policies, Prediction
from bot.dialogue.project import Project
from bot.dialogue.situation import LISTEN, action_label
from bot.dialogue.slash import parse_slash
from bot.dialogue.stories import Dialogue, dialogues
from bot.dialogue.tracker import Tracker
from training.story_figures import EntityLabel
from training.story_report import Check, StoryReport, StoryResult

UNLIKELY_INTENT = "action_unlikely_intent"
MAX_PREDICTIONS = 10
TRIPPED = "circuit breaker tripped"
"""What is "predicted" where a story wants more than MAX_PREDICTIONS actions of one turn."""


def run_story_tests(
    project: Project,
    policies: Policies,
    parse: Callable[[str], Parse],
    *,
    max_stories: int | None = None,
    fail_fast: bool = False,
    on_story: Callable[[StoryResult], None] | None = None,
) -> StoryReport:
    """Replay every test story of the project, or the first ``max_stories``; ``fail_fast`` ends at the first mistake.

    ``parse`` is asked for messages in words; slash messages need no model. ``on_story`` hears of each
    result at once, for a progress bar. Raises ProjectFaults if checkpoints multiply the stories beyond
    measure.
    """
    replayer = _Replayer(domain=project.domain, policies=policies, parse=parse, fail_fast=fail_fast)
    results = []
    for dialogue in dialogues(project.tests, project.domain)[:max_stories]:
        result = replayer.replay(dialogue)
        results.append(result)
        if on_story is not None:
            on_story(result)
        if fail_fast and _is_wrong(result.checks):
            return StoryReport(results=tuple(results), stopped=True)
    return StoryReport(results=tuple(results))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """A story under way: the conversation so far, the key that was understood last, and what was checked."""

    tracker: Tracker
    response_key: str | None = None
    checks: tuple[Check, ...] = ()

    def then(self, event: Event, *checks: Check) -> "_Replay":
        return replace(self, tracker=self.tracker.apply(event), checks=self.checks + checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replayer:
    domain: Domain
    policies: Policies
    parse: Callable[[str], Parse]
    fail_fast: bool

    def replay(self, dialogue: Dialogue) -> StoryResult:
        replay = _Replay(tracker=Tracker.start(dialogue.name, self.domain, dialogue.events[:1]))
        for at, event in enumerate(dialogue.events[1:], 1):
            line = dialogue.lines[at] or dialogue.source.line
            match event:
                case UserUttered() if event.text and event.parse.intent.name:
                    replay = self._hear(replay, event, at, line)
                case UserUttered():  # without words the intent is given, and without an intent the words count
                    replay = replace(replay.then(event), response_key=event.parse.response_key)
                case ActionExecuted():
                    replay = self._act(replay, event, at, line)
                case _:
                    replay = replay.then(event)
            if self.fail_fast and _is_wrong(replay.checks):
                break
        return StoryResult(dialogue=dialogue, checks=replay.checks)

    def _hear(self, replay: _Replay, gold: UserUttered, at: int, line: int) -> _Replay:
        got = parse_slash(gold.text, self.domain) or self.parse(gold.text)
        wanted = _full_intent(gold.parse)
        intent = got.intent.name if got.intent.name == wanted else _full_intent(got)
        checks = (
            Check(kind="intent", at=at, line=line, text=gold.text, expected=wanted, got=intent),
            Check(
                kind="entities",
                at=at,
                line=line,
                text=gold.text,
                expected=_labels(gold.parse.entities),
                got=_labels(got.entities),
            ),
        )
        return replace(replay.then(gold, *checks), response_key=got.response_key)

    def _act(self, replay: _Replay, gold: ActionExecuted, at: int, line: int) -> _Replay:
        expected = action_label(gold)
        tracker, prediction, got = self._predict(replay, expected)
        replay = replace(replay, tracker=tracker)
        unlikely = got == UNLIKELY_INTENT != expected
        if unlikely:
            replay = replay.then(ActionExecuted(name=UNLIKELY_INTENT))
            tracker, prediction, got = self._predict(replay, expected)
            replay = replace(replay, tracker=tracker)
        check = Check(
            kind="action",
            at=at,
            line=line,
            expected=expected,
            got=got,
            policy=prediction.policy,
            confidence=prediction.confidence,
            unlikely=unlikely,
        )
        return replay.then(self._done(gold, prediction, was_right=got == expected), check)

    def _predict(self, replay: _Replay, expected: str) -> tuple[Tracker, Prediction, str]:
        """The predicted action; where a form is predicted and another action follows, as if the form declined."""
        tracker = replay.tracker
        if _is_endless(tracker):
            return tracker, Prediction(action=TRIPPED, confidence=0.0, policy=""), TRIPPED
        prediction = self.policies.predict(tracker)
        got = self._full_action(prediction.action, expected, replay.response_key)
        loop = tracker.active_loop
        if got != expected and loop is not None and loop.name == got and got in self.domain.forms:
            tracker = tracker.apply(ActionExecutionRejected(name=loop.name))
            prediction = self.policies.predict(tracker)
            got = self._full_action(prediction.action, expected, replay.response_key)
        return tracker, prediction, got

    def _full_action(self, action: str, expected: str, key: str | None) -> str:
        """``utter_faq`` with its key, unless the story names no key."""
        full = f"{action}/{key}"
        return full if key and action != expected and full in self.domain.responses else action

    def _done(self, gold: ActionExecuted, prediction: Prediction, *, was_right: bool) -> ActionExecuted:
        """The story's action, as policies know it: without the key of a retrieval response."""
        name = gold.name
        if name is not None and name in self.domain.responses:
            name = name.split("/", 1)[0]
        return replace(gold, name=name, hide_rule_turn=was_right and prediction.hide_rule_turn)


def _full_intent(parse: Parse) -> str:
    return f"{parse.intent.name}/{parse.response_key}" if parse.response_key else parse.intent.name


def _labels(entities: tuple[Entity, ...]) -> frozenset[EntityLabel]:
    """What is compared of entities: not their roles and groups, as in Rasa."""
    return frozenset(
        EntityLabel(entity=each.entity, value=str(each.value), start=each.start, end=each.end) for each in entities
    )


def _is_wrong(checks: tuple[Check, ...]) -> bool:
    """Whether there is a mistake that ends a run; an unlikely intent alone does not."""
    return any(not check.passed and check.got != UNLIKELY_INTENT for check in checks)


def _is_endless(tracker: Tracker) -> bool:
    """Whether the bot has done so much since it last listened that a running one would be stopped."""
    actions = (event.name for event in reversed(tracker.events) if isinstance(event, ActionExecuted))
    since_listening = takewhile(lambda name: name not in (LISTEN, "action_session_start"), actions)
    return sum(1 for _ in since_listening) >= MAX_PREDICTIONS
