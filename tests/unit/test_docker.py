"""The container files refer to what is there: no engine builds them here, so the references are checked instead."""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.cli import build_parser
from bot.delivery.settings import DeliverySettings

ROOT = Path(__file__).parents[2]
DOCKERFILES = sorted((ROOT / "docker").glob("Dockerfile.*"))
INSTRUCTION = re.compile(r"^([A-Z]+) +(.*)$")
KNOWN = {"FROM", "WORKDIR", "ARG", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
PORT = 5005

each = pytest.mark.parametrize("path", DOCKERFILES, ids=[path.name for path in DOCKERFILES])


def instructions(path: Path) -> list[tuple[str, str]]:
    """Name and arguments of each instruction; lines that end in a backslash are joined."""
    text = re.sub(r"\\\n\s*", " ", path.read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [INSTRUCTION.match(line) for line in lines]
    assert all(found), "a line that is no instruction"
    return [(match[1], match[2]) for match in found if match]


def only(path: Path, name: str) -> list[str]:
    return [arguments for instruction, arguments in instructions(path) if instruction == name]


def compose() -> Mapping[str, Any]:
    return YAML(typ="safe", pure=True).load((ROOT / "docker/compose.yaml").read_text("utf-8"))


def test_there_is_an_image_for_each_extra() -> None:
    assert [path.name for path in DOCKERFILES] == ["Dockerfile.cpu", "Dockerfile.gpu"]


@each
def test_instructions_are_known_and_bases_are_pinned(path: Path) -> None:
    assert {name for name, _ in instructions(path)} <= KNOWN
    for base in only(path, "FROM"):
        image = base.split()[0]
        assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]*\d[\w.-]*", image), f"{image} has no version"


@each
def test_what_is_copied_exists_and_everything_that_is_installed_is_copied(path: Path) -> None:
    copied = set()
    for arguments in only(path, "COPY"):
        if not arguments.startswith("--from"):
            copied |= set(arguments.split()[:-1])
    assert not {name for name in copied if not (ROOT / name).exists()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    needed = {"pyproject.toml", "constraints.txt", project["project"]["readme"], *project["project"]["license-files"]}
    assert packages | needed <= copied
    kept_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert not copied & set(kept_out)


@each
def test_the_extra_that_is_installed_is_one_of_the_project(path: Path) -> None:
    extras = set(re.findall(r'"\.\[(\w+)\]"', " ".join(only(path, "RUN"))))
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert extras == {path.suffix.removeprefix(".")}
    assert extras <= known.keys()


@each
def test_the_container_runs_the_server_as_nobody_special(path: Path) -> None:
    last = dict(instructions(path))
    words = [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])]
    assert words[0] == "kefu"
    args = build_parser().parse_args(words[1:])
    assert (args.host, args.port) == ("0.0.0.0", PORT)
    assert last["EXPOSE"] == str(PORT)
    user = re.fullmatch(r"(\d+):\1", last["USER"])
    assert user
    assert int(user[1]) > 0
    assert f"--uid {user[1]} " in " ".join(only(path, "RUN"))


@each
def test_the_health_of_the_container_is_the_servers(path: Path) -> None:
    [arguments] = only(path, "HEALTHCHECK")
    command = json.loads(arguments.partition("CMD ")[2])
    address = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", command[-1])
    assert address
    assert address.groups() == (str(PORT), "/ready")
    compile(command[-1], path.name, "exec")


def test_the_replicas_are_built_here_and_share_a_store() -> None:
    services = compose()["services"]
    bot, store = services["bot"], services["valkey"]
    build = bot["build"]
    context = (ROOT / "docker" / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]) in DOCKERFILES
    assert bot["environment"]["KEFU_REDIS_URL"] == "redis://valkey:6379/0"
    assert bot["environment"]["KEFU_TOKEN"].startswith("${KEFU_TOKEN:?"), "no default token"
    assert bot["depends_on"].keys() == {"valkey"}
    assert bot["deploy"]["replicas"] > 1
    assert all(mapping.endswith(f":{PORT}") for mapping in bot["ports"])
    assert re.fullmatch(r"valkey/valkey:\d+\.\d+[\w.-]*", store["image"])


def test_the_store_keeps_what_it_accepts() -> None:
    store = compose()["services"]["valkey"]
    words = store["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    volumes = [volume.partition(":") for volume in store["volumes"]]
    assert [(name, target) for name, _, target in volumes] == [("valkey", "/data")]
    assert "valkey" in compose()["volumes"]


def test_a_replica_may_finish_what_it_does() -> None:
    grace = re.fullmatch(r"(\d+)s", compose()["services"]["bot"]["stop_grace_period"])
    assert grace
    assert timedelta(seconds=int(grace[1])) > timedelta(seconds=DeliverySettings().drain_s)


def test_its_own_instructions_name_files_that_exist() -> None:
    comments = [line for line in (ROOT / "docker/compose.yaml").read_text("utf-8").splitlines() if line.startswith("#")]
    words = shlex.split(comments[-1].lstrip("# "))
    assert (ROOT / words[words.index("-f") + 1]).is_file()
