"""Finding rules that contradict each other or a story, by letting the learned rules predict every training dialogue.

It also finds which rules occur in stories at all: the turns of the others are hidden from memorised stories.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.dialogue.domain import Domain
from bot.dialogue.errors import Fault
from bot.dialogue.events import ActionExecuted, ActionExecutionRejected, Event
from bot.dialogue.policies.examples import in_common, key_of, since_anything
from bot.dialogue.policies.rule import RulePolicy, built_in_sources
from bot.dialogue.situation import LISTEN, action_label
from bot.dialogue.states import state_of
from bot.dialogue.stories import ANYTHING, Dialogue
from bot.dialogue.tracker import Tracker


@dataclass(frozen=True, slots=True)
class _Claim:
    """A rule, or a built-in behaviour, that gives an action at a source."""

    name: str
    place: str
    action: str


@dataclass(slots=True, kw_only=True)
class Contradictions:
    """Lets the rules predict every training dialogue. May drop rules that only end a turn (see ``_is_mere_end``)."""

    policy: RulePolicy
    domain: Domain
    claims: dict[str, list[_Claim]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def find(self, rules: Sequence[Dialogue], stories: Sequence[Dialogue]) -> list[Fault]:
        """The contradictions among the rules and between rules and stories."""
        for step in self._steps(rules):
            self._collect(step)
        return [fault for step in self._steps((*stories, *rules)) for fault in self._compare(step)]

    def unused(self) -> frozenset[str]:
        """The sources that no story follows."""
        return frozenset((self.claims.keys() | built_in_sources(self.domain)) - self.used)

    def _steps(self, dialogues: Sequence[Dialogue]) -> Iterator["_Step"]:
        """Every action that follows from something, with what the rules predict in its place.

        What dialogues in a row have in common at first is gone through once.
        """
        told: Sequence[Event] = ()
        moments = [_Moment(tracker=Tracker.start("", self.domain))]
        for dialogue in dialogues:
            opening = None if dialogue.unpredictable is None else dialogue.events[dialogue.unpredictable]
            events = Tracker.start("", self.domain, dialogue.events).applied_events
            del moments[in_common(told, events) + 1 :]
            told = events
            for event in told[len(moments) - 1 :]:
                tracker, predictable = moments[-1].tracker, moments[-1].predictable
                if isinstance(event, ActionExecuted):
                    if event.name != ANYTHING and predictable and event is not opening:
                        step = self._predict(dialogue, tracker, event)
                        tracker = step.tracker
                        yield step
                    predictable = event.name != ANYTHING
                moments.append(_Moment(tracker=tracker.apply(event), predictable=predictable))

    def _predict(self, dialogue: Dialogue, tracker: Tracker, event: ActionExecuted) -> "_Step":
        step = self._predict_once(dialogue, tracker, event)
        loop = tracker.active_loop
        if loop is None or step.predicted != loop.name or step.predicted == step.gold:
            return step
        # A loop is always predicted first; that something else follows means that it was rejected.
        rejected = tracker.apply(ActionExecutionRejected(name=loop.name))
        return self._predict_once(dialogue, rejected, event)

    def _predict_once(self, dialogue: Dialogue, tracker: Tracker, event: ActionExecuted) -> "_Step":
        finding = self.policy.find(tracker, self.domain)
        vote = self.policy.vote_for(finding, tracker)
        silent = finding.action is None and not dialogue.is_rule
        source = finding.source
        if source is None and dialogue.is_rule:
            source = self._state_source(tracker)
        return _Step(
            dialogue=dialogue,
            event=event,
            tracker=tracker,
            predicted=None if silent else vote.action,
            source=None if silent else source,
            is_built_in=finding.kind in ("default", "loop"),
            is_fallback=vote.is_fallback,
        )

    def _state_source(self, tracker: Tracker) -> str | None:
        """Where no rule fits, the states themselves: two rules that exclude each other have the same ones."""
        states = [state_of(moment, self.domain) for moment in tracker.moments()]
        since = since_anything(states[::-1])
        return key_of(since) if since else None

    def _collect(self, step: "_Step") -> None:
        if step.source is None:
            return
        if step.is_built_in and step.predicted is not None:
            claim = _Claim(step.source, "", step.predicted)
        else:
            rule = step.dialogue
            claim = _Claim(rule.name, f"{rule.source.path}:{rule.line_of(step.event)}", step.gold)
        self.claims.setdefault(step.source, []).append(claim)

    def _compare(self, step: "_Step") -> Iterator[Fault]:
        if step.source is None or step.predicted is None:
            return
        if step.predicted == step.gold:
            if not step.dialogue.is_rule:
                self.used.add(step.source)
            return
        if self._is_mere_end(step, step.source):
            self.policy.rules.discard(step.source)
            return
        others = [claim for claim in self.claims.get(step.source, ()) if claim.action != step.gold]
        if others:
            yield _contradiction(step, list(dict.fromkeys(others)))

    def _is_mere_end(self, step: "_Step", source: str) -> bool:
        """Whether a rule of one state only says that the bot listens, while another rule goes on from there."""
        if step.dialogue.is_rule or step.predicted != LISTEN or source.count("prev_action") > 1:
            return False
        return any(key != source and key.startswith(source[:-2]) for key in self.policy.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """A point of a dialogue. ``predictable``: nothing predicts the first action, nor what follows ``...``."""

    tracker: Tracker
    predictable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    dialogue: Dialogue
    event: ActionExecuted
    tracker: Tracker
    predicted: str | None
    source: str | None
    is_built_in: bool
    is_fallback: bool

    @property
    def gold(self) -> str:
        return action_label(self.event)


def _contradiction(step: _Step, others: Sequence[_Claim]) -> Fault:
    kind = "rule" if step.dialogue.is_rule else "story"
    said = ", ".join(
        f"{_deed(claim.action)} in rule {claim.name!r} ({claim.place})"
        if claim.place
        else f"{_deed(claim.action)} ({claim.name})"
        for claim in others
    )
    ends = LISTEN in (step.gold, *(claim.action for claim in others))
    return Fault(
        path=step.dialogue.source.path,
        line=step.dialogue.line_of(step.event),
        what=f"{kind} {step.dialogue.name!r} has {_deed(step.gold)} where the rules say {said}",
        remedy="make them agree, or give one a condition that keeps it out of the other's way"
        + (", or end the shorter rule with 'wait_for_user_input: false'" if ends else ""),
    )


def _deed(action: str) -> str:
    return f"the end of the turn ({LISTEN!r})" if action == LISTEN else repr(action)
