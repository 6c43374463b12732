"""Memorised stories: a conversation that goes exactly like a story so far goes on like it.

``AugmentedMemoizationPolicy`` also tries what the conversation would look like had it begun later, so that
slots set long ago do not hide a story. Stories do not see the turns of rules that occur in no story.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from bot.dialogue.domain import Domain
from bot.dialogue.parse import Json
from bot.dialogue.policies.examples import all_examples, key_of, lookup_of, states_of_key
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.prediction import Vote
from bot.dialogue.situation import LISTEN
from bot.dialogue.states import State, state_of, without
from bot.dialogue.stories import Dialogue
from bot.dialogue.tracker import Tracker

_Ending = tuple[str | None, str | None, tuple[str, ...], str | None, str | None]
"""What the user said last and what the bot did last: forgetting never changes these."""

MemoizationName = Literal["MemoizationPolicy", "AugmentedMemoizationPolicy"]


@dataclass(frozen=True, kw_only=True)
class Memoization:
    """The memorised stories. ``max_history``: how many states count; None for all since the session began.

    ``only_slots`` and ``only_loops`` occur in rules alone and are not seen.
    """

    name: MemoizationName = "MemoizationPolicy"
    priority: int = 3
    max_history: int | None = None
    use_nlu_confidence_as_score: bool = False
    actions: Mapping[str, str] = field(default_factory=dict)
    only_slots: frozenset[str] = frozenset()
    only_loops: frozenset[str] = frozenset()

    @classmethod
    def train(
        cls,
        name: MemoizationName,
        options: Options,
        stories: Iterable[Dialogue],
        domain: Domain,
        *,
        only_slots: frozenset[str] = frozenset(),
        only_loops: frozenset[str] = frozenset(),
    ) -> "Memoization":
        """Memorise these stories; where two of them differ after the same history, neither counts."""
        max_history = options.count("max_history", None)
        found = all_examples(stories, domain, at_most=max_history)
        return cls(
            name=name,
            priority=options.count("priority", 3) or 0,
            max_history=max_history,
            use_nlu_confidence_as_score=options.flag("use_nlu_confidence_as_score", False),
            actions=lookup_of([(key_of(example.states), example.action) for example in found]),
            only_slots=only_slots,
            only_loops=only_loops,
        )

    def vote(self, tracker: Tracker, domain: Domain) -> Vote:
        """The memorised action with confidence 1, or silence. Stories that have the very words come before intents."""
        silence = Vote(policy=self.name, priority=self.priority)
        recalled = self._recalled(tracker, domain)
        if recalled is None:
            return silence
        key, by_text = recalled
        message = tracker.latest_message
        by_intent = self.use_nlu_confidence_as_score and not by_text
        score = message.parse.intent.confidence if by_intent and message else 1.0
        return replace(silence, action=self.actions[key], confidence=score, is_e2e=by_text)

    def recall(self, tracker: Tracker, domain: Domain) -> str | None:
        """The memorised history (a key of ``actions``) that the conversation went like; None if there is none."""
        recalled = self._recalled(tracker, domain)
        return recalled[0] if recalled else None

    def to_json(self) -> dict[str, Json]:
        """All there is to it, as JSON."""
        return {
            "name": self.name,
            "priority": self.priority,
            "max_history": self.max_history,
            "use_nlu_confidence_as_score": self.use_nlu_confidence_as_score,
            "actions": dict(self.actions),
            "only_slots": sorted(self.only_slots),
            "only_loops": sorted(self.only_loops),
        }

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Memoization":
        """Read what ``to_json`` wrote."""
        sets = {name: frozenset(obj[name]) for name in ("only_slots", "only_loops")}
        return cls(**{**obj, **sets})

    @cached_property
    def _longest(self) -> int:
        return max((len(states_of_key(key)) for key in self.actions), default=0)

    @cached_property
    def _last_turns(self) -> frozenset[_Ending]:
        """How any memorised history ends, but for its slots: a quick way to know that nothing can be recalled."""
        return frozenset(_ending(states_of_key(key)[-1]) for key in self.actions)

    @cached_property
    def _has_words(self) -> bool:
        return any(text is not None for _, text, *_ in self._last_turns)

    def _recalled(self, tracker: Tracker, domain: Domain) -> tuple[str, bool] | None:
        """The memorised history, and whether the message that has just come in counted by its text, not its intent."""
        if self._has_words and tracker.latest_action_name == LISTEN:
            key = self._key(tracker, domain, by_text=True)
            if key is not None:
                return key, True
        key = self._key(tracker, domain, by_text=False)
        return None if key is None else (key, False)

    def _key(self, tracker: Tracker, domain: Domain, *, by_text: bool) -> str | None:
        newest = next(iter(tracker.shown()), None)
        if not self.actions or newest is None:
            return None
        ending = _ending(state_of(newest, domain, by_text=by_text))
        if ending not in self._last_turns or (by_text and ending[1] is None):
            return None
        key = self._look_up(tracker, domain, by_text=by_text)
        if key is not None or self.name != "AugmentedMemoizationPolicy":
            return key
        return self._look_up_forgetting(tracker, domain, by_text=by_text)

    def _look_up(self, tracker: Tracker, domain: Domain, *, by_text: bool) -> str | None:
        states = self._states(tracker, domain, by_text=by_text)
        key = key_of(states) if states else ""
        return key if key in self.actions else None

    def _states(self, tracker: Tracker, domain: Domain, *, by_text: bool) -> Sequence[State]:
        """The states that count, oldest first; none if they are more than any story has."""
        shown = tracker.shown()
        wanted = self.max_history or len(shown)
        if self.max_history is None and len(shown) > self._longest:
            return ()
        newest_first = [
            state_of(situation, domain, by_text=by_text and place == 0)
            for place, situation in zip(range(wanted), shown, strict=False)
        ]
        return [without(state, slots=self.only_slots, loops=self.only_loops) for state in reversed(newest_first)]

    def _look_up_forgetting(self, tracker: Tracker, domain: Domain, *, by_text: bool) -> str | None:
        """Forget more and more, from as far back as a story may reach (hidden turns in between included)."""
        for shorter in tracker.forgetting(at_most=self._reach(tracker)):
            key = self._look_up(shorter, domain, by_text=by_text)
            if key is not None:
                return key
        return None

    def _reach(self, tracker: Tracker) -> int:
        """How many actions to go back: four for each state of the longest story bounds the time it takes.

        With a ``max_history``, as many as it says and on to the beginning of that turn.
        """
        if self.max_history is None:
            return 4 * self._longest
        back = 0
        for situation in tracker.moments():
            back += 1
            if back > self.max_history + 1 and situation.latest_action_name == LISTEN:
                break
        return back


def _ending(state: State) -> _Ending:
    return (state.intent, state.text, state.entities, state.action, state.action_text)
