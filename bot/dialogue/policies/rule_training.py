"""Learning rules from their dialogues, and having them checked (``rule_checks``, ``rule_contradictions``)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.dialogue.domain import Domain
from bot.dialogue.errors import Fault
from bot.dialogue.policies.examples import Example, all_examples, key_of, lookup_of, since_anything, unset
from bot.dialogue.policies.rule import INTERRUPTED, NOT_THE_LOOP, RuleOptions, RulePolicy
from bot.dialogue.policies.rule_checks import incomplete, too_many_turns
from bot.dialogue.policies.rule_contradictions import Contradictions
from bot.dialogue.policies.rule_lookup import RuleLookup
from bot.dialogue.situation import LISTEN
from bot.dialogue.states import SHOULD_NOT_BE_SET, State
from bot.dialogue.stories import ANYTHING, Dialogue


def train_rules(
    rules: Sequence[Dialogue], stories: Sequence[Dialogue], domain: Domain, options: RuleOptions
) -> tuple[RulePolicy, list[Fault]]:
    """The policy that these rules make beside these stories, and what is wrong with them."""
    rule_examples = list(all_examples(rules, unset(domain)))
    story_examples = list(all_examples(stories, domain))
    policy = RulePolicy(
        options=options,
        rules=RuleLookup(_rule_keys(rule_examples)),
        unhappy=RuleLookup(_unhappy_keys([*rule_examples, *story_examples])),
    )
    faults = [fault for rule in rules for fault in too_many_turns(rule)] if options.restrict_rules else []
    if not options.check_for_contradictions:
        return policy, faults
    faults += incomplete(rules, domain)
    slots, loops = _only_in_rules(rule_examples, story_examples)
    policy = replace(policy, only_slots=slots, only_loops=loops)
    check = Contradictions(policy=policy, domain=domain)
    faults += check.find(rules, stories)
    return replace(policy, hidden=check.unused()), list(dict.fromkeys(faults))


def _rule_keys(found: Iterable[Example]) -> dict[str, str]:
    keyed = ((since_anything(example.states), example.action) for example in found)
    lookup = lookup_of([(key_of(states), action) for states, action in keyed if states])
    return {key: action for key, action in lookup.items() if action != ANYTHING}


def _unhappy_keys(found: Iterable[Example]) -> dict[str, str]:
    """What training dialogues do inside a loop. They hold unhappy paths only, so this is what interrupts it."""
    lookup: dict[str, str] = {}
    for example in found:
        last = example.states[-1]
        note = _unhappy_note(last, example.action)
        states = since_anything(_last_turn(example.states))
        if note and states:
            lookup[key_of(states)] = note
    return lookup


def _unhappy_note(last: State, action: str) -> str | None:
    loop = last.loop_name
    if loop is None:
        return None
    if last.action == LISTEN:
        return INTERRUPTED if action == loop else None
    return NOT_THE_LOOP if action != loop else None


def _last_turn(states: Sequence[State]) -> Sequence[State]:
    """The last state, and of the one before only the action: earlier messages do not matter."""
    if len(states) == 1 or states[-2].is_start:
        return states[-1:]
    before = states[-2]
    return (State(action=before.action, action_text=before.action_text), states[-1])


def _only_in_rules(
    rule_examples: Sequence[Example], story_examples: Sequence[Example]
) -> tuple[frozenset[str], frozenset[str]]:
    rule_slots, rule_loops = _mentioned(rule_examples)
    story_slots, story_loops = _mentioned(story_examples)
    return frozenset(rule_slots - story_slots), frozenset(rule_loops - story_loops - {SHOULD_NOT_BE_SET})


def _mentioned(found: Sequence[Example]) -> tuple[set[str], set[str]]:
    # The last states of all examples are all states but that before an opening action, which has nothing yet.
    states = [example.states[-1] for example in found]
    return {slot for state in states for slot in state.slots}, {state.loop for state in states if state.loop}
