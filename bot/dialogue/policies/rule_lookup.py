"""Learned rules, and which of them fit a conversation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.dialogue.domain import Domain
from bot.dialogue.policies.examples import states_of_key
from bot.dialogue.situation import Situation
from bot.dialogue.states import State, fits, state_of

_Index = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """After these states (oldest first) comes this action. ``key`` is the text of the states."""

    key: str
    states: tuple[State, ...]
    action: str


class Recent:
    """The states of a conversation, newest first, made only as far back as somebody looks."""

    def __init__(self, moments: Iterator[Situation], domain: Domain, *, by_text: bool = False) -> None:
        self._moments = moments
        self._domain = domain
        self._by_text = by_text
        self._made: list[State] = []

    def get(self, back: int) -> State | None:
        """The state ``back`` actions ago; None beyond the beginning."""
        while len(self._made) <= back:
            situation = next(self._moments, None)
            if situation is None:
                return None
            by_text = self._by_text and not self._made
            self._made.append(state_of(situation, self._domain, by_text=by_text))
        return self._made[back]


class RuleLookup:
    """Rules by their key, indexed by the action that the last state follows and its intent."""

    def __init__(self, actions: Mapping[str, str]) -> None:
        self._rules: dict[str, Rule] = {}
        self._by_last: dict[_Index, list[Rule]] = {}
        for key, action in actions.items():
            rule = Rule(key=key, states=states_of_key(key), action=action)
            self._rules[key] = rule
            self._by_last.setdefault(_index(rule.states[-1]), []).append(rule)

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[str]:
        """The keys of all rules."""
        return iter(self._rules)

    def actions(self) -> dict[str, str]:
        """Key to action: what a lookup is made of."""
        return {key: rule.action for key, rule in self._rules.items()}

    def discard(self, key: str) -> None:
        """Forget a rule."""
        rule = self._rules.pop(key, None)
        if rule is not None:
            self._by_last[_index(rule.states[-1])].remove(rule)

    def fitting(self, recent: Recent) -> list[Rule]:
        """The rules that fit, the most specific (that with the longest key) first."""
        last = recent.get(0)
        if last is None:
            return []
        indices = dict.fromkeys((_index(last), _index(replace(last, intent=None))))  # a rule may leave the intent open
        rules = (rule for index in indices for rule in self._by_last.get(index, ()))
        found = [rule for rule in rules if _rule_fits(rule, recent)]
        return sorted(found, key=lambda rule: (len(rule.key), rule.key), reverse=True)


def _index(state: State) -> _Index:
    return (state.action, state.action_text, state.intent)


def _rule_fits(rule: Rule, recent: Recent) -> bool:
    """Compare backwards; the start of a conversation fits only a start, whatever slots it has."""
    for back, wanted in enumerate(reversed(rule.states)):
        state = recent.get(back)
        if state is None:
            return True
        if wanted.is_start and state.is_start:
            continue
        if wanted.is_start != state.is_start or not fits(wanted, state):
            return False
    return True
