"""Who may import whom: the rooms of the house, and no cycle between modules."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "nlu", "retrieval", "training")

# room (longest prefix wins) -> the prefixes of ours that it may import, besides itself
ARROWS = {
    "nlu": (),
    "retrieval": (),
    "training": (
        "nlu", "retrieval", "bot.dialogue", "bot.release", "bot.folder", "bot.paths", "bot.errors",
        "bot.delivery.transcript", "bot.parses", "bot.policy_part",
    ),
    "bot.dialogue": (),
    "bot.messages": ("bot.dialogue",),
    "bot.ports": ("bot.dialogue", "bot.messages"),
    "bot.errors": (),
    "bot.release": ("bot.dialogue", "bot.errors"),
    "bot.folder": ("bot.dialogue",),
    "bot.policy_part": ("bot.dialogue", "bot.release", "bot.errors"),
    "bot.parses": ("bot.dialogue", "nlu"),
    "bot.actions": ("bot.dialogue", "bot.messages", "bot.ports", "bot.errors"),
    "bot.course": ("bot.dialogue", "bot.actions", "bot.messages", "bot.ports", "bot.errors"),
    "bot.engine": ("bot.dialogue", "bot.actions", "bot.course", "bot.messages", "bot.ports"),
    "bot.child": (),
    "bot.foreground": (),
    "bot.action_host": (),
    "bot.delivery": (
        *("bot.dialogue", "bot.engine", "bot.foreground", "bot.messages", "bot.ports", "bot.errors", "bot.child"),
    ),
    "bot.channels": ("bot.dialogue.parse", "bot.dialogue.event_json", "bot.messages", "bot.errors"),
    "bot": ("bot", "nlu", "retrieval"),
    "bot.commands": ("bot", "nlu", "retrieval", "training"),
}  # fmt: skip


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            relative = path.relative_to(ROOT).with_suffix("")
            if "starter" not in relative.parts:
                found[".".join(relative.parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path, *, top_level_only: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    return max((prefix for prefix in ARROWS if within(module, prefix)), key=len)


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_follow_the_arrows(module: str) -> None:
    own = room(module)
    ours = [name for name in imports(modules()[module], top_level_only=False) if name.split(".")[0] in PACKAGES]
    forbidden = [name for name in ours if not any(within(name, allowed) for allowed in (own, *ARROWS[own]))]
    assert forbidden == []


def test_no_import_cycle() -> None:
    known = modules()

    def targets(module: str) -> set[str]:
        names = imports(known[module], top_level_only=True)
        parents = {name if name in known else name.rsplit(".", 1)[0] for name in names}
        return {name for name in parents if name in known and name != module}

    graph = {module: targets(module) for module in known}
    while leaves := [module for module, needed in graph.items() if not needed & graph.keys()]:
        for leaf in leaves:
            del graph[leaf]
    assert graph == {}
