"""Typed access to YAML nodes: each read gives a value of the right type or notes a fault and goes on.

So a reader states what it wants, and all that is wrong with a folder is found in one pass.
"""

import difflib
from collections.abc import Collection, Mapping

from bot.dialogue.errors import Fault, printable
from bot.dialogue.yaml_tree import Node

MAX_LISTED = 12
FORMER: Mapping[str, str] = {
    "templates": 'it is called "responses" since Rasa 2',
    "auto_fill": "remove it: since Rasa 3, only mappings fill slots",
    "flows": "flows are of Rasa Pro and do not run here: write rules, stories or forms",
    "common_examples": 'write "nlu:" with "- intent: ..." items',
}
"""Keys of other versions that are often met, and what to do about them."""
IDLE: Mapping[str, str] = {"triggers": "write a rule for the intent"}
"""Keys of other versions that Rasa 3 reads and does nothing about."""


def suggest(name: str, known: Collection[str]) -> str:
    """Say what was probably meant: the nearest known name, else the known ones if they are few."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    if known and len(known) <= MAX_LISTED:
        return f"known are {', '.join(sorted(known))}"
    return "remove it or correct the name"


def is_misnamed(key: str, known: Collection[str]) -> bool:
    """Tell whether a key that is not known was meant to be one that is."""
    return key not in known and (key in FORMER or suggest(key, known).endswith("?"))


class Reading:
    """Collects what is wrong (``faults``) or noteworthy (``notices``) while nodes are read.

    ``torn``: a whole file or section could not be read, so what refers to it cannot be judged.
    """

    def __init__(self) -> None:
        self.torn = False
        self.faults: list[Fault] = []
        self.notices: list[str] = []

    def fault(self, node: Node, what: str, remedy: str, line: int | None = None) -> None:
        """Note that the project cannot be used, and what would be right."""
        place = node.line if line is None else line
        self.faults.append(Fault(path=node.path, line=place, what=what, remedy=remedy))

    def notice(self, node: Node, text: str, line: int | None = None) -> None:
        """Note a remark that stops nothing."""
        self.notices.append(printable(f"{node.path}:{node.line if line is None else line}: {text}"))

    def fields(
        self, node: Node | None, what: str, known: Collection[str] | None = None, *, strict: bool = True
    ) -> Mapping[str, Node]:
        """Read keys and values; nothing gives none.

        A key that is not ``known`` (None: any is) is a fault; where it is not ``strict`` only one that was meant to be
        a known one, and others are noticed.
        """
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, Mapping):
            self.fault(node, f"{what} must have keys, not {kind_of(node)}", f'write "key: value" lines under {what}')
            return {}
        for key, child in node.value.items():
            if known is None or key in known:
                continue
            if key in IDLE:
                self.notice(child, f'the key "{key}" in {what} has no effect; {IDLE[key]}')
            elif strict or is_misnamed(key, known):
                self.fault(child, f'unknown key "{key}" in {what}', FORMER.get(key) or suggest(key, known))
            else:
                self.notice(child, f'the key "{key}" in {what} has no effect')
        return node.value

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """Read a list; nothing gives an empty one."""
        if node is None or node.value is None:
            return ()
        if not isinstance(node.value, tuple):
            self.fault(node, f"{what} must be a list, not {kind_of(node)}", 'start each item with "- "')
            return ()
        return node.value

    def text(self, node: Node | None, what: str) -> str | None:
        """Read a text that is not blank; None only for a missing node or after a fault."""
        if node is None:
            return None
        if not isinstance(node.value, str):
            remedy = "put it in quotes" if isinstance(node.value, bool | int | float) else "write a text"
            self.fault(node, f"{what} must be text, not {kind_of(node)}", remedy)
            return None
        if not node.value.strip():
            self.fault(node, f"{what} is empty", "write a text or remove the key")
            return None
        return node.value

    def optional_text(self, node: Node | None, what: str) -> str | None:
        """Read a text that may be null or empty."""
        return None if node is None or node.value in (None, "") else self.text(node, what)

    def name(self, node: Node | None, what: str) -> str:
        """Read a name without the blanks around it; "" after a fault."""
        return (self.text(node, what) or "").strip()

    def names(self, node: Node | None, what: str) -> tuple[str, ...]:
        """Read a list of names, or a single one."""
        if node is None or node.value is None:
            return ()
        nodes = node.value if isinstance(node.value, tuple) else (node,)
        return tuple(name for child in nodes if (name := self.name(child, what)))

    def flag(self, node: Node | None, what: str, *, default: bool) -> bool:
        """Read true or false."""
        if node is None:
            return default
        if not isinstance(node.value, bool):
            self.fault(node, f"{what} must be true or false, not {kind_of(node)}", f"write {str(default).lower()}")
            return default
        return node.value

    def number(self, node: Node | None, what: str, *, default: float) -> float:
        """Read a number."""
        if node is None:
            return default
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.fault(node, f"{what} must be a number, not {kind_of(node)}", f"write a number such as {default:g}")
            return default
        return float(node.value)


def kind_of(node: Node) -> str:
    """Name the kind of a value in a reader's words, without the value (it may be a secret)."""
    match node.value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case tuple():
            return "a list"
        case _:
            return "keys"
