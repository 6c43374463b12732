"""From the files of an assistant to a checked ``Project``, or to every fault at once.

Where a file stands says whether it is read: ``config``, ``endpoints``, ``credentials`` and ``domain`` in the folder
itself, anything in ``domain/`` and ``data/``, and test stories also in ``tests/``. What a file of data is follows from
its top-level keys alone, and it may be several things. Does not touch the disk: see ``bot.folder``.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bot.dialogue.config_file import read_config, read_credentials, read_endpoints
from bot.dialogue.domain_file import KEYS as DOMAIN_KEYS
from bot.dialogue.domain_file import LATEST_VERSION, read_domain
from bot.dialogue.errors import Fault, ProjectFaults
from bot.dialogue.nlu_file import read_nlu
from bot.dialogue.pattern_options import as_piped, unused
from bot.dialogue.project import BotStep, Config, NluData, Project, SourceFile, Story
from bot.dialogue.reading import Reading, is_misnamed
from bot.dialogue.story_file import Kind, read_stories
from bot.dialogue.validation import check
from bot.dialogue.yaml_tree import Node, read_yaml

ENDINGS = (".yml", ".yaml")
SETTINGS = ("config", "endpoints", "credentials")
TESTS = "tests/"
DATA_FOLDERS = ("data/", "domain/")
STORY_KEYS = ("stories", "rules")
DATA_KEYS = tuple(dict.fromkeys((*DOMAIN_KEYS, "nlu", *STORY_KEYS)))
TELLING_KEYS = frozenset(DATA_KEYS) - {"version", "config", "actions"}
"""Keys that other tools' YAML files do not have."""

_VERSION = re.compile(r"\d+(\.\d+)*")


def load_project(files: Sequence[SourceFile], *, env: Mapping[str, str], unread: Sequence[Fault] = ()) -> Project:
    """Read, merge and check the files of an assistant; files that are no YAML or stand elsewhere are left alone.

    ``env`` resolves ``${NAME}``; ``unread`` are faults of files that have no text. Raises ProjectFaults with all
    faults, in the order of paths and lines.
    """
    reading = Reading()
    reading.faults += unread
    reading.torn = bool(unread)
    roots = [root for file in sorted(files, key=_rank) if (root := _root(file, env, reading)) is not None]
    paths = {file.path for file in files} | {fault.path for fault in unread}
    project = _project(roots, paths, reading)
    faults, notices = ((), ()) if reading.torn else check(project)
    found = {*reading.faults, *faults}
    if found:
        raise ProjectFaults(sorted(found, key=lambda fault: (fault.path, fault.line, fault.what)))
    return dataclasses.replace(project, notices=(*dict.fromkeys((*reading.notices, *notices)),))


def load_nlu(files: Sequence[SourceFile], *, env: Mapping[str, str]) -> NluData:
    """Read the NLU data of files that stand anywhere, outside an assistant. Raises ProjectFaults with all faults."""
    reading = Reading()
    roots = _roots(files, env, reading)
    sections = _sections(roots, "nlu")
    data = read_nlu(sections, reading)
    if not sections and not reading.faults:
        names = ", ".join(file.path for file in files)
        reading.faults.append(Fault(path=names, line=1, what="there is no key nlu", remedy="name Rasa NLU files"))
    if reading.faults:
        raise ProjectFaults(reading.faults)
    return data


def load_tests(files: Sequence[SourceFile], project: Project, *, env: Mapping[str, str]) -> Project:
    """The project with the test stories of these files, which stand anywhere, in place of its own.

    Raises ProjectFaults with all faults, those of stories that do not fit the domain included.
    """
    reading = Reading()
    roots = _roots(files, env, reading)
    tests = tuple(story for key in STORY_KEYS for story in _stories(roots, key, "test", reading))
    if not tests and not reading.faults:
        names = ", ".join(file.path for file in files)
        reading.faults.append(Fault(path=names, line=1, what="there is no story", remedy="name files of test stories"))
    changed = dataclasses.replace(project, tests=tests)
    faults = tuple(reading.faults) or check(changed)[0]
    if faults:
        raise ProjectFaults(faults)
    return changed


def load_config(file: SourceFile, *, env: Mapping[str, str]) -> Config:
    """Read one ``config.yml`` that stands anywhere. Raises ProjectFaults with all faults."""
    reading = Reading()
    roots = _roots([file], env, reading)
    config = read_config(roots[0], reading) if roots else Config()
    if reading.faults:
        raise ProjectFaults(reading.faults)
    return config


def readable_config(files: Sequence[SourceFile], *, env: Mapping[str, str]) -> Config:
    """What the ``config.yml`` among an assistant's files says, as far as it can be read, whatever is wrong with any."""
    reading = Reading()
    roots = _roots([file for file in files if _stem(file.path) == "config"], env, reading)
    return read_config(roots[0], reading) if roots else Config()


def _roots(files: Sequence[SourceFile], env: Mapping[str, str], reading: Reading) -> list[Node]:
    """The roots of files that stand anywhere, but for those that cannot be read."""
    roots = []
    for file in files:
        root, faults = read_yaml(file, env)
        reading.faults += faults
        roots += [root] if root is not None else []
    return roots


def _rank(file: SourceFile) -> tuple[bool, str]:
    """Order files so that those of the folder itself come before those of its sub-folders."""
    return "/" in file.path, file.path


def _stem(path: str) -> str:
    """Name a file of the folder itself without its ending; "" for a file in a sub-folder."""
    return "" if "/" in path else path.rsplit(".", 1)[0]


def _is_read(path: str) -> bool:
    return path.startswith((TESTS, *DATA_FOLDERS)) or _stem(path) in (*SETTINGS, "domain")


def _is_test(path: str) -> bool:
    return path.rsplit("/", 1)[-1].startswith("test_")


def _root(file: SourceFile, env: Mapping[str, str], reading: Reading) -> Node | None:
    """Read a file to its top-level keys; None for one that is not the assistant's."""
    if not file.path.endswith(ENDINGS):
        return None
    root, faults = read_yaml(file, env)
    if not _is_read(file.path):
        if root is not None and isinstance(root.value, Mapping) and TELLING_KEYS & root.value.keys():
            reading.notice(root, "this file is not read where it stands; move it into data/")
        return None
    reading.faults += faults
    is_referred_to = _stem(file.path) not in ("config", "credentials")
    if root is None:
        reading.torn |= is_referred_to
        return None
    if root.value is None:
        return dataclasses.replace(root, value={})
    if not isinstance(root.value, Mapping):
        reading.torn |= is_referred_to
        reading.fault(root, "the file is not made of keys", f"begin it with one of {', '.join(DATA_KEYS)}")
        return None
    return root


def _project(roots: Sequence[Node], paths: Iterable[str], reading: Reading) -> Project:
    settings = {_stem(root.path): root for root in roots if _stem(root.path) in SETTINGS}
    data = [root for root in roots if _stem(root.path) not in SETTINGS]
    _check_data(data, reading)
    _check_present(paths, data, reading)
    sources = [root for root in data if not root.path.startswith(TESTS)]
    training = [root for root in sources if not _is_test(root.path)]
    tests = [root for root in data if _is_test(root.path)]
    stories = _stories(training, "stories", "story", reading)
    rules = _stories(training, "rules", "rule", reading)
    domain, places = read_domain(sources, _bot_texts((*stories, *rules)), reading)
    config = read_config(settings["config"], reading) if "config" in settings else Config()
    nlu = read_nlu(_sections(sources, "nlu"), reading)
    for remark in unused(nlu, config):
        reading.notice(settings["config"], remark, config.pipeline[0].line)
    return Project(
        domain=domain,
        nlu=as_piped(nlu, config),
        stories=stories,
        rules=rules,
        tests=(*_stories(tests, "stories", "test", reading), *_stories(tests, "rules", "test", reading)),
        config=config,
        endpoints=read_endpoints(settings["endpoints"], reading) if "endpoints" in settings else {},
        credentials=read_credentials(settings["credentials"], reading) if "credentials" in settings else {},
        places=places,
    )


def _sections(roots: Sequence[Node], key: str) -> list[Node]:
    return [root.value[key] for root in roots if isinstance(root.value, Mapping) and key in root.value]


def _stories(roots: Sequence[Node], key: str, kind: Kind, reading: Reading) -> tuple[Story, ...]:
    title = "rule" if key == "rules" else "story"
    sections = _sections(roots, key)
    return tuple(story for section in sections for story in read_stories(section, kind, title, reading))


def _bot_texts(stories: Sequence[Story]) -> tuple[str, ...]:
    """Give what the bot says in end-to-end steps: each text is an action of its own."""
    return tuple(step.text for story in stories for step in story.steps if isinstance(step, BotStep))


def _check_data(roots: Sequence[Node], reading: Reading) -> None:
    """Check the top-level keys of data files, and whether each file is of use where it stands."""
    for root in roots:
        keys = reading.fields(root, "the file", DATA_KEYS, strict=False)
        reading.torn |= any(is_misnamed(key, DATA_KEYS) for key in keys)
        if root.path.startswith(TESTS) and keys and not (_is_test(root.path) and set(STORY_KEYS) & set(keys)):
            reading.notice(root, 'not read: files of test stories are called "test_..." and hold stories')
    _check_versions(_sections(roots, "version"), reading)


def _check_versions(nodes: Sequence[Node], reading: Reading) -> None:
    texts = {node.path: node for node in nodes if node.value is not None}
    for node in texts.values():
        if not isinstance(node.value, str):
            reading.notice(node, f'version should be text: write version: "{LATEST_VERSION}"')
        elif not _VERSION.fullmatch(node.value):
            reading.fault(node, "the version is no number", f'write version: "{LATEST_VERSION}"')
        elif _numbers(node.value) > _numbers(LATEST_VERSION):
            what = f"version {node.value} of the format is newer than {LATEST_VERSION}, which is the latest known"
            reading.fault(node, what, f'write version: "{LATEST_VERSION}" if nothing newer is used')
    older = [node for node in texts.values() if isinstance(node.value, str) and _is_older(node.value)]
    for version, group in groupby(sorted(older, key=_version_text), key=_version_text):
        first, *others = group
        also = f" (as in {len(others)} other files)" if others else ""
        reading.notice(first, f"version {version} is read as {LATEST_VERSION}{also}")


def _version_text(node: Node) -> str:
    return str(node.value)


def _is_older(version: str) -> bool:
    return bool(_VERSION.fullmatch(version)) and _numbers(version) < _numbers(LATEST_VERSION)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _check_present(paths: Iterable[str], roots: Sequence[Node], reading: Reading) -> None:
    """Note what an assistant cannot do without; ``paths`` also name files that could not be read."""
    stems = {_stem(path) for path in paths if path.endswith(ENDINGS)}
    if "config" not in stems:
        remedy = 'create it, if only with "language: en"'
        reading.faults.append(Fault(path="config.yml", line=1, what="the file is missing", remedy=remedy))
    if "domain" not in stems and not any(set(DOMAIN_KEYS[1:]) & set(_keys(root)) for root in roots):
        reading.torn = True
        remedy = 'create it with at least "intents:" and "responses:"'
        reading.faults.append(Fault(path="domain.yml", line=1, what="the file is missing", remedy=remedy))


def _keys(root: Node) -> Iterable[str]:
    return root.value.keys() if isinstance(root.value, Mapping) else ()
