"""YAML stories and rules of Rasa 2, as far as 3.1 writes them differently: forms, slots, ``respond_`` actions."""

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from training.convert_notes import Notes, current_name, line_of


def convert_stories(root: CommentedMap, notes: Notes) -> None:
    """Change the stories and rules of a file in place."""
    for key in ("stories", "rules"):
        stories = root.get(key)
        for story in stories if isinstance(stories, CommentedSeq) else ():
            for steps in (story.get("steps"), story.get("condition")) if isinstance(story, CommentedMap) else ():
                for step in steps if isinstance(steps, CommentedSeq) else ():
                    if isinstance(step, CommentedMap):
                        _step(step, notes)


def _step(step: CommentedMap, notes: Notes) -> None:
    line = line_of(step)
    if "form" in step:
        _rename(step, "form", "active_loop", notes)
    if "slot" in step:
        _rename(step, "slot", "slot_was_set", notes)
    slots = step.get("slot_was_set")
    if isinstance(slots, CommentedMap):
        step["slot_was_set"] = CommentedSeq([CommentedMap({name: value}) for name, value in slots.items()])
        notes.changed(line, "slot_was_set is a list")
    loop = step.get("active_loop")
    if isinstance(loop, CommentedMap):
        step["active_loop"] = loop.get("name")
        notes.changed(line, "active_loop is a name")
    action: Any = step.get("action")
    if isinstance(action, str) and current_name(action) != action:
        step["action"] = current_name(action)
        notes.changed(line_of(step, "action"), f"{action} is called {step['action']}")


def _rename(step: CommentedMap, old: str, new: str, notes: Notes) -> None:
    line = line_of(step, old)
    step.insert(list(step).index(old), new, step.pop(old))
    notes.changed(line, f'"{old}" is called "{new}"')
