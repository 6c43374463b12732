"""What the Python of an assistant's actions says that its domain has to say since Rasa 2, and what must change there.

The code is read, never run, and never changed.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.comments import CommentedMap

from training.convert_domain import Filler
from training.convert_notes import Notes

_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\.utter_(template|button_template|button_message|attachment|elements|custom_json|image_url)\("),
        "write dispatcher.utter_message(response=..., buttons=..., image=..., ...)",
    ),
    (re.compile(r"\bactive_form\b"), "it is called active_loop"),
    (re.compile(r"\bForm\("), "the event is called ActiveLoop"),
    (re.compile(r"\brasa_core_sdk\b"), "the package is called rasa_sdk"),
)
_ARGUMENTS = {
    "from_entity": ("entity", "intent", "not_intent", "role", "group"),
    "from_text": ("intent", "not_intent"),
    "from_intent": ("value", "intent", "not_intent"),
    "from_trigger_intent": ("value", "intent", "not_intent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormClass:
    """A ``FormAction``: its form, the slots that it asks for in order, and how it fills them."""

    form: str
    slots: tuple[str, ...]
    mappings: Mapping[str, tuple[CommentedMap, ...]]

    def fillers(self) -> list[Filler]:
        """The same as what a form of Rasa 2 says in the domain."""
        return [Filler(form=self.form, slot=slot, mappings=self.mappings.get(slot, ())) for slot in self.slots]


def form_classes(text: str, notes: Notes) -> list[FormClass]:
    """The form classes of one file of Python; notes what a person must rewrite there."""
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, advice in _ADVICE:
            if match := pattern.search(line):
                notes.look(number, f"{match[0].strip('.(')}: {advice}")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _is_form(node)]
    return [found for node in classes if (found := _form_class(node, notes)) is not None]


def _is_form(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rsplit(".", 1)[-1] == "FormAction" for base in node.bases)


def _form_class(node: ast.ClassDef, notes: Notes) -> FormClass | None:
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    form = next((value for value in _returned(methods.get("name")) if isinstance(value, str)), None)
    if form is None:
        notes.look(node.lineno, f"the name of the form {node.name} cannot be read; list its slots in the domain")
        return None
    slots = dict.fromkeys(
        name for value in _returned(methods.get("required_slots")) if isinstance(value, list) for name in value
    )
    checked = sorted(name for name in methods if name.startswith("validate_"))
    validator = f"validate_{form}"
    more = f"keep {', '.join(checked)} there, and list {validator} under actions" if checked else "or remove it"
    notes.look(node.lineno, f'FormAction is gone: write a FormValidationAction with the name "{validator}"; {more}')
    if "submit" in methods:
        text = f"submit() of {form} is no longer called: make it an action of its own and name it where the form ends"
        notes.look(methods["submit"].lineno, text)
    return FormClass(form=form, slots=tuple(slots), mappings=_mappings(methods.get("slot_mappings")))


def _returned(method: ast.FunctionDef | None) -> Iterator[Any]:
    """The constants that a method may return."""
    for node in ast.walk(method) if method is not None else ():
        if isinstance(node, ast.Return) and node.value is not None:
            try:
                yield ast.literal_eval(node.value)
            except ValueError:
                continue


def _mappings(method: ast.FunctionDef | None) -> dict[str, tuple[CommentedMap, ...]]:
    """``{"seats": [self.from_entity(entity="number"), self.from_text()]}``."""
    found: dict[str, tuple[CommentedMap, ...]] = {}
    for node in ast.walk(method) if method is not None else ():
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                calls = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
                if isinstance(key, ast.Constant):
                    found[str(key.value)] = tuple(mapping for call in calls if (mapping := _mapping(call)))
    return found


def _mapping(call: ast.expr) -> CommentedMap | None:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    names = _ARGUMENTS.get(call.func.attr)
    if names is None:
        return None
    given = {
        **dict(zip(names, call.args, strict=False)),
        **{word.arg: word.value for word in call.keywords if word.arg},
    }
    try:
        return CommentedMap({"type": call.func.attr, **{name: ast.literal_eval(node) for name, node in given.items()}})
    except ValueError:
        return None
