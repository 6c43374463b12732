"""Test stories, as ``kefu test`` runs them: does the assistant understand and do what each story says?

A story is replayed event by event. Messages are parsed and compared with what is annotated, actions are
predicted and compared; then the conversation goes on with what the story says, so that one mistake is not
counted twice. No action and no form is run: what they would set has to be in the story. The report is
``story_report``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, ActionExecutionRejected, Event, UserUttered
from bot.dialogue.parse import Entity, Parse
from bot.dialogue.policies import Policies, Prediction
from bot.dialogue.project import Project
from bot.dialogue.situation import action_label
from bot.dialogue.slash import parse_slash
from bot.dialogue.stories import Dialogue, dialogues
from bot.dialogue.tracker import Tracker
from training.story_report import Check, EntityLabel, StoryReport, StoryResult

UNLIKELY_INTENT = "action_unlikely_intent"


def run_story_tests(
    project: Project,
    policies: Policies,
    parse: Callable[[str], Parse],
    *,
    on_story: Callable[[StoryResult], None] | None = None,
) -> StoryReport:
    """Replay every test story of the project.

    ``parse`` is asked for messages in words; slash messages need no model. ``on_story`` hears of each
    result at once, for a progress bar. Raises ProjectFaults if checkpoints multiply the stories beyond
    measure.
    """
    replayer = _Replayer(domain=project.domain, policies=policies, parse=parse)
    results = []
    for dialogue in dialogues(project.tests, project.domain):
        result = replayer.replay(dialogue)
        results.append(result)
        if on_story is not None:
            on_story(result)
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

    def replay(self, dialogue: Dialogue) -> StoryResult:
        replay = _Replay(tracker=Tracker.start(dialogue.name, self.domain, dialogue.events[:1]))
        for event in dialogue.events[1:]:
            line = dialogue.line_of(event)
            match event:
                case UserUttered() if event.text and event.parse.intent.name:
                    replay = self._hear(replay, event, line)
                case ActionExecuted():
                    replay = self._act(replay, event, line)
                case _:
                    replay = replay.then(event)
        return StoryResult(dialogue=dialogue, checks=replay.checks)

    def _hear(self, replay: _Replay, gold: UserUttered, line: int) -> _Replay:
        got = parse_slash(gold.text, self.domain) or self.parse(gold.text)
        wanted = _full_intent(gold.parse)
        intent = got.intent.name if got.intent.name == wanted else _full_intent(got)
        checks = (
            Check(kind="intent", line=line, text=gold.text, expected=wanted, got=intent),
            Check(
                kind="entities",
                line=line,
                text=gold.text,
                expected=_labels(gold.parse.entities),
                got=_labels(got.entities),
            ),
        )
        return replace(replay.then(gold, *checks), response_key=got.response_key)

    def _act(self, replay: _Replay, gold: ActionExecuted, line: int) -> _Replay:
        expected = action_label(gold)
        tracker, prediction, got = self._predict(replay, expected)
        replay = replace(replay, tracker=tracker)
        warning = None
        if got == UNLIKELY_INTENT != expected:
            warning = f"predicted {UNLIKELY_INTENT} first"
            replay = replay.then(ActionExecuted(name=UNLIKELY_INTENT))
            tracker, prediction, got = self._predict(replay, expected)
            replay = replace(replay, tracker=tracker)
        check = Check(
            kind="action",
            line=line,
            expected=expected,
            got=got,
            policy=prediction.policy,
            confidence=prediction.confidence,
            warning=warning,
        )
        return replay.then(self._done(gold, prediction, was_right=got == expected), check)

    def _predict(self, replay: _Replay, expected: str) -> tuple[Tracker, Prediction, str]:
        """The predicted action; where a form is predicted and another action follows, as if the form declined."""
        tracker = replay.tracker
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
