"""Stories and rules as trees whose branches share what they have in common: ``training.story_map_page`` draws them.

A message, an action or a checkpoint is a node; slots and forms that follow are its notes. Stories begin at one root,
rules at another, and what begins at a checkpoint at a root of its own.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.dialogue.parse import Json
from bot.dialogue.project import (
    ActionStep,
    BotStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    SlotStep,
    Step,
    Story,
    UserStep,
)
from bot.dialogue.stories import ANYTHING

Kind = Literal["root", "user", "bot", "checkpoint", "condition"]
STORIES, RULES = "stories", "rules"


@dataclass(slots=True, kw_only=True)
class Node:
    """A step that stories share. ``told``: the places in ``StoryMap.stories`` of those that go through it."""

    kind: Kind
    title: str
    notes: tuple[str, ...] = ()
    is_rule: bool = False
    intents: tuple[str, ...] = ()
    told: list[int] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)

    def child(self, node: "Node") -> "Node":
        """The child that is the same step, made where there is none."""
        same = (node.kind, node.title, node.notes)
        for each in self.children:
            if (each.kind, each.title, each.notes) == same:
                return each
        self.children.append(node)
        return node

    def to_json(self) -> dict[str, Json]:
        """As the page takes it."""
        return {
            "kind": self.kind,
            "title": self.title,
            "notes": self.notes,
            "rule": self.is_rule,
            "intents": self.intents,
            "told": self.told,
            "children": [child.to_json() for child in self.children],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryMap:
    """The trees and the stories in them, which nodes name by their place."""

    roots: tuple[Node, ...]
    stories: tuple[Story, ...]

    @property
    def intents(self) -> tuple[str, ...]:
        """Every intent that occurs, in order of name."""
        return tuple(sorted({intent for node in self.nodes() for intent in node.intents}))

    def nodes(self) -> Iterator[Node]:
        """Every node, parents first."""
        waiting = list(self.roots)
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.children


def story_map(stories: Sequence[Story], rules: Sequence[Story]) -> StoryMap:
    """The trees of stories and rules, as the files tell them: checkpoints are not expanded."""
    every = (*stories, *rules)
    roots: dict[str, Node] = {}
    for number, story in enumerate(every):
        for root, nodes in _branches(story):
            title = root or (RULES if story.kind == "rule" else STORIES)
            kind: Kind = "checkpoint" if root else "root"
            node = roots.setdefault(title, Node(kind=kind, title=title, is_rule=story.kind == "rule"))
            for step in (None, *nodes):
                node = node if step is None else node.child(step)
                if number not in node.told:
                    node.told.append(number)
    ordered = sorted(roots.values(), key=lambda node: (node.kind == "checkpoint", node.is_rule))
    return StoryMap(roots=tuple(ordered), stories=every)


def _branches(story: Story) -> Iterator[tuple[str, list[Node]]]:
    """The nodes of a story, once for each checkpoint that it begins at ("" for the beginning of a conversation)."""
    is_rule = story.kind == "rule"
    begins = [""]
    nodes: list[Node] = []
    conditions = tuple(map(_note, story.condition))
    if conditions or story.conversation_start:
        title = "if" if conditions else "at the beginning"
        nodes.append(Node(kind="condition", title=title, notes=conditions, is_rule=is_rule))
    for step in story.steps:
        if isinstance(step, CheckpointStep) and not nodes:
            begins = [step.name] if begins == [""] else [*begins, step.name]
        elif isinstance(step, CheckpointStep):
            notes = tuple(map(_note, step.conditions))
            nodes.append(Node(kind="checkpoint", title=step.name, notes=notes, is_rule=is_rule))
        elif isinstance(step, SlotStep | LoopStep) and nodes:
            nodes[-1].notes += (_note(step),)
        else:
            nodes.append(_node(step, is_rule=is_rule))
    if not story.wait_for_user_input:
        nodes.append(Node(kind="bot", title=ANYTHING, is_rule=is_rule))
    for begin in begins:
        yield begin, [_copy(node) for node in nodes]


def _copy(node: Node) -> Node:
    return Node(kind=node.kind, title=node.title, notes=node.notes, is_rule=node.is_rule, intents=node.intents)


def _node(step: Step, *, is_rule: bool) -> Node:
    match step:
        case UserStep() | OrStep():
            options = step.options if isinstance(step, OrStep) else (step,)
            said = [option for option in options if isinstance(option, UserStep)]
            set_ = [_note(option) for option in options if isinstance(option, SlotStep)]
            return Node(
                kind="user" if said else "condition",
                title=" or ".join([*map(_words, said), *set_]),
                notes=_entities(said),
                is_rule=is_rule,
                intents=tuple(option.intent.split("/")[0] for option in said if option.intent),
            )
        case ActionStep(name=name):
            return Node(kind="bot", title=name, is_rule=is_rule)
        case BotStep(text=text):
            return Node(kind="bot", title=f"“{text}”", is_rule=is_rule)
        case SlotStep() | LoopStep():
            return Node(kind="condition", title=_note(step), is_rule=is_rule)
        case CheckpointStep(name=name):
            return Node(kind="checkpoint", title=name, is_rule=is_rule)


def _words(step: UserStep) -> str:
    return step.intent or f"“{step.text}”"


def _entities(steps: Sequence[UserStep]) -> tuple[str, ...]:
    """The entities of a message; those of alternatives stand together."""
    found = [
        given.entity if given.value is None else f"{given.entity}: {_short(given.value)}"
        for step in steps
        for given in step.entities
    ]
    return tuple(dict.fromkeys(found))


def _note(step: SlotStep | LoopStep) -> str:
    match step:
        case LoopStep(name=name):
            return f"form {name}" if name else "no form"
        case SlotStep(any_value=True):
            return f"{step.name} is set"
        case SlotStep(value=None):
            return f"{step.name} is not set"
    return f"{step.name} = {_short(step.value)}"


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
