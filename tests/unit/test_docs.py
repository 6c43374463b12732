"""The documentation names everything that a user can set, call or read, and nothing in it leads nowhere."""

import argparse
import ast
import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.actions import server as action_server
from bot.app import LIMITS
from bot.channels.conversations_api import CONVERSATION
from bot.channels.metrics import Metrics
from bot.channels.registry import FACTORIES
from bot.channels.socketio.settings import KEYS as SOCKETIO_KEYS
from bot.channels.socketio.settings import SocketIoSettings
from bot.channels.telegram_settings import PATH as TELEGRAM_PATH
from bot.channels.telegram_settings import TelegramSettings
from bot.channels.web.settings import KEYS as WEB_KEYS
from bot.cli import build_parser
from bot.dialogue import components
from bot.dialogue.config_file import (
    CHANNELS,
    CONFIG_KEYS,
    ENDPOINT_KEYS,
    ENDPOINTS,
    GENERATOR_KEYS,
    KEFU_NUMBERS,
    KEFU_SECTIONS,
    KEFU_TEXTS,
    NLU_FLAGS,
    NLU_RANGES,
)
from bot.dialogue.slash import COMMANDS

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "nlu", "retrieval", "training")
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")

# ways to name a route that the files of a package use: constants of other modules
CONSTANTS: Mapping[str, str] = {"PATH": TELEGRAM_PATH, "CONVERSATION": CONVERSATION}
NO_SETTINGS = frozenset({"version", "spaces"})  # Rasa's own, accepted and without meaning here


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [(path, ast.parse(path.read_text("utf-8"))) for path in paths if "starter" not in path.parts]


def calls(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    """Calls of functions or methods with one of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


def missing(names: set[str], text: str, *, quoted: bool = True) -> set[str]:
    """Names that the text does not hold as a whole word, in code style if ``quoted``."""
    code = " ".join(re.findall(r"`[^`\n]+`", text)) if quoted else text
    return {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", code)}


def blocks(tag: str) -> list[tuple[str, str]]:
    found = []
    for path in PAGES:
        text = path.read_text("utf-8")
        for match in BLOCK.finditer(text):
            if match[2] == tag:
                line = text.count("\n", 0, match.start()) + 1
                found.append((f"{path.relative_to(ROOT)}:{line}", textwrap.dedent(match[3])))
    return found


# what a user can set


def test_every_setting_of_ours_is_described() -> None:
    named = {*KEFU_TEXTS, *KEFU_NUMBERS, *KEFU_SECTIONS, *NLU_RANGES, *NLU_FLAGS}
    for _, tree in sources():
        for call in calls(tree, "get", "_setting"):
            target = ast.unparse(call.func)
            if target.endswith(("kefu.get", "_setting")) and isinstance(call.args[0], ast.Constant):
                named.add(str(call.args[0].value))
    assert named >= {"encoder", "sure_at"}
    assert not missing(named, page("configuration.md"))
    assert not missing(set(GENERATOR_KEYS), page("generator.md"))


def test_every_key_of_config_is_described() -> None:
    assert not missing(set(CONFIG_KEYS) - NO_SETTINGS, page("configuration.md"))


def test_every_endpoint_and_its_options_are_described() -> None:
    tree = ast.parse(Path(action_server.__file__).read_text("utf-8"))
    options = {
        str(call.args[0].value)
        for call in calls(tree, "get")
        if ast.unparse(call.func) == "options.get" and isinstance(call.args[0], ast.Constant)
    }
    assert options >= {"timeout", "concurrency", "compress"}
    assert not missing({*ENDPOINTS, *ENDPOINT_KEYS, *options}, page("configuration.md"))


def test_every_key_of_the_credentials_is_described() -> None:
    telegram = {f"telegram.{field.name}" for field in fields(TelegramSettings)}
    web = {f"web.{key}" for key in WEB_KEYS}
    registry = ast.parse((ROOT / "bot/channels/registry.py").read_text("utf-8"))
    callback = {
        f"callback.{call.args[0].value}"
        for call in calls(registry, "get")
        if ast.unparse(call.func) == "section.get" and isinstance(call.args[0], ast.Constant)
    }
    assert callback == {"callback.url"}
    socketio = {f"socketio.{key}" for key in SOCKETIO_KEYS}
    assert not missing({*telegram, *web, *callback, *socketio, *FACTORIES}, page("configuration.md"))


def test_the_table_of_components_is_that_of_the_program() -> None:
    assert components.table() in page("rasa.md")


def test_every_channel_of_rasa_is_explained() -> None:
    explained = page("rasa.md") + page("configuration.md")
    assert not missing(set(CHANNELS) - {"whatsapp"}, explained)  # Rasa has no channel of that name


def test_every_environment_variable_is_described() -> None:
    found = set()
    for path, tree in sources():
        text = path.read_text("utf-8")
        found |= set(re.findall(r"\bKEFU_[A-Z_]*(?:TOKEN|URL|HOME|DIR)\b", text))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                found |= {str(node.value.value) for name in names if name.endswith("_VARIABLE")}
    assert "KEFU_TOKEN" in found
    assert not missing(found, page("configuration.md"))


# what a user can call


def leaves(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Every command that does something, as its words and its options."""
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    options = {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}
    for action in subparsers:
        for name, child in action.choices.items():
            yield from leaves(child, (*path, name))
    if not subparsers:
        yield path, options


COMMANDS_OF_KEFU = list(leaves(build_parser()))


@pytest.mark.parametrize(("words", "options"), COMMANDS_OF_KEFU, ids=[" ".join(words) for words, _ in COMMANDS_OF_KEFU])
def test_every_command_and_flag_is_described(words: tuple[str, ...], options: set[str]) -> None:
    sections = re.split(r"^## ", page("commands.md"), flags=re.MULTILINE)[1:]
    own = [text for text in sections if text.startswith(f"kefu {' '.join(words)}")]
    group = [text for text in sections if text.startswith(f"kefu {words[0]}\n")]
    assert own or group, "no section"
    text = (own or group)[0]
    assert f"kefu {' '.join(words)}" in text
    # An example of ``demo`` need not repeat the options of ``run``.
    if "Takes the options of `run`" in text:
        text += next(section for section in sections if section.startswith("kefu run"))
    assert not missing(options, text)


def examples() -> list[tuple[str, str]]:
    """Every line of a bash block that calls kefu, with its place."""
    found = []
    for place, text in blocks("bash"):
        lines = text.replace("\\\n", " ").splitlines()
        parts = (part.strip() for line in lines for part in re.split(r"&&|\|\|", line.split("  #")[0]))
        found += [(place, part) for part in parts if re.match(r"(\w+=\S+ )*(\.venv/bin/)?kefu ", part)]
    return found


@pytest.mark.parametrize(("place", "line"), examples(), ids=[f"{place} {line}" for place, line in examples()])
def test_every_example_is_a_command(place: str, line: str) -> None:
    words = [word for word in shlex.split(line) if "=" not in word or word.startswith("-")]
    args = build_parser().parse_args(words[1:])
    assert callable(args.run)


def test_every_exit_code_is_described() -> None:
    described = set(re.findall(r"^\| (\d+) \|", page("commands.md"), re.MULTILINE))
    assert described >= {"0", "1", "2", "3", "130"}


def routes() -> set[tuple[str, str]]:
    """Method and path of every route that a module of the channels declares."""
    found = set()
    for path, tree in sources():
        if "channels" not in path.parts:
            continue
        for call in calls(tree, "get", "post", "put", "patch", "delete"):
            if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "web":
                found.add((call.func.attr.upper(), re.sub(r":[^}]+}", "}", written(call.args[0]))))
    return found


def written(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return CONSTANTS[name]
        case ast.Attribute(attr="socketio_path"):
            return SocketIoSettings().socketio_path
        case ast.BinOp(left=left, right=right):
            return written(left) + written(right)
    raise AssertionError(f"a route of a kind that this test does not read: {ast.unparse(node)}")


def test_every_route_is_described() -> None:
    found = routes()
    assert ("GET", "/health") in found
    assert len(found) > 20
    text = page("http-api.md")
    assert not {f"{method} {path}" for method, path in found if f"`{method} {path}`" not in text}


# what a user can read


def codes() -> set[str]:
    """The codes of all errors, and those that a turn notes down by name."""
    found = set()
    for _, tree in sources():
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(body=body):
                    found |= {
                        str(line.value.value)
                        for line in body
                        if isinstance(line, ast.Assign)
                        and [ast.unparse(target) for target in line.targets] == ["code"]
                        and isinstance(line.value, ast.Constant)
                    }
        for call in calls(tree, "note_failure"):
            if len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
                found.add(str(call.args[1].value))
    return found


def test_the_rate_limits_are_those_of_the_program() -> None:
    said = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \|$", page("security.md"), re.MULTILINE)
    assert said == [(f"{limit.per_s:g}", f"{limit.burst:g}") for limit in LIMITS.values()]


def test_every_error_code_is_explained() -> None:
    found = codes()
    assert {"store_unavailable", "project_faults", "nlu_data", "index_file", "no_response"} <= found
    assert not missing(found, page("errors.md"))


def test_no_error_is_explained_that_is_none() -> None:
    explained = {
        code
        for row in re.findall(r"^\| (`[a-z_`, ]+) \|", page("errors.md"), re.MULTILINE)
        for code in re.findall(r"`([a-z_]+)`", row)
    }
    assert explained
    assert explained <= codes()


def test_every_reason_of_a_failed_request_is_explained() -> None:
    found = set()
    for _, tree in sources():
        for call in calls(tree, "failure", "retry_later"):
            if len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
                found.add(str(call.args[1].value))
    assert {"StoreBusy", "TooManyRequests", "Draining"} <= found
    assert not missing(found, page("http-api.md"))


def test_every_metric_is_described() -> None:
    rendered = Metrics().render().decode()
    names = set(re.findall(r"^# HELP (kefu_\w+)", rendered, re.MULTILINE))
    names = {name for name in names if not name.endswith("_created")}
    assert "kefu_turns_total" in names
    text = re.sub(r"\{[\w,]+\}", "", page("http-api.md"))
    assert not missing(names, text)


def test_every_route_of_a_turn_and_command_is_described() -> None:
    tree = ast.parse((ROOT / "bot/dialogue/route.py").read_text("utf-8"))
    names = next(
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RouteName"
    )
    route_names = {str(node.value) for node in ast.walk(names) if isinstance(node, ast.Constant)}
    assert "knowledge" in route_names
    assert not missing({*route_names, *COMMANDS}, page("dialogue.md"))


# nothing leads nowhere


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = BLOCK.sub("", path.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_every_link_leads_somewhere(path: Path) -> None:
    dead = []
    for target in LINK.findall(BLOCK.sub("", path.read_text("utf-8"))):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        other = (path.parent / name).resolve() if name else path
        if not other.is_file() or (anchor and anchor not in anchors(other)):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize(("place", "text"), blocks("yaml"), ids=[place for place, _ in blocks("yaml")])
def test_every_yaml_example_loads(place: str, text: str) -> None:
    assert YAML(typ="safe", pure=True).load(text)


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = {str(path.relative_to(ROOT)) for path in PAGES if "docs" in path.parts}
    assert not {name for name in pages if f"]({name})" not in readme}


# the tree of the README


def tree_lines() -> dict[str, str]:
    """Path to description, out of the README's tree: a name, spaces, words; deeper ones are indented."""
    readme = (ROOT / "README.md").read_text("utf-8")
    text = next(match[3] for match in BLOCK.finditer(readme) if re.search(r"^\W*bot/", match[3], re.MULTILINE))
    above: list[tuple[int, str]] = []
    found = {}
    for line in text.splitlines():
        match = re.match(r"^([\s│├└─]*)([\w.\-]+/?)(?:\s+(.*))?$", line)
        if match is None:
            continue
        depth = len(match[1])
        above = [(column, name) for column, name in above if column < depth]
        found["".join(name for _, name in above) + match[2]] = match[3] or ""
        if match[2].endswith("/"):
            above.append((depth, match[2]))
    return found


def folders() -> set[str]:
    """The folders that the tree must have: those at the top, and the rooms of the packages."""
    ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
    top = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    top = {name for name in top if name not in ignored and not name.endswith(".egg-info")}
    rooms = {
        f"{package}/{path.name}"
        for package in PACKAGES
        for path in (ROOT / package).iterdir()
        if path.is_dir() and not path.name.startswith(("_", "."))
    }
    return {f"{name}/" for name in top | rooms}


def test_the_tree_has_every_folder_and_nothing_else() -> None:
    lines = tree_lines()
    assert folders() >= {"bot/", "bot/dialogue/", "tests/"}
    assert not folders() - lines.keys()
    assert not {path for path in lines if not (ROOT / path).exists()}
    assert all(lines.values()), "each line says what lies there"
    assert {"bot/engine.py", "bot/app.py"} <= lines.keys()
