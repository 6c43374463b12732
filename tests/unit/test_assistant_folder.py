"""Which files of a folder are read, and how bytes become text."""

import pytest

from bot.dialogue.errors import ProjectFaults
from bot.folder import load_folder, read_sources


def write(folder, path, data):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())


def test_only_yaml_of_the_assistant_is_read(tmp_path):
    for path in (
        "config.yml",
        "domain/deep/a.yaml",
        "data/nlu.yml",
        "tests/test_a.yml",
        "models/r1/x.yml",  # the others are not read
        "results/x.yml",
        "actions/x.yml",
        "knowledge/x.yml",
        ".git/x.yml",
        "data/.hidden/x.yml",
        "data/.x.yml",
        "data/notes.txt",
    ):
        write(tmp_path, path, "a: 1\n")
    paths = [source.path for source in read_sources(tmp_path)]
    assert paths == ["config.yml", "data/nlu.yml", "domain/deep/a.yaml", "tests/test_a.yml"]


def test_line_ends_of_windows_and_a_byte_order_mark(tmp_path):
    write(tmp_path, "config.yml", b"\xef\xbb\xbflanguage: zh\r\n")
    write(tmp_path, "domain.yml", b"intents: [a]\r\nresponses:\r\n  utter_a:\r\n  - text: |\r\n      x\r\n      y\r\n")
    project = load_folder(tmp_path, env={})
    assert project.config.language == "zh"
    assert project.domain.responses["utter_a"][0].text == "x\ny\n"


def test_bytes_that_are_no_text_are_a_fault_with_their_line(tmp_path):
    write(tmp_path, "config.yml", b"language: en\n# \xe4\xf6\n")
    write(tmp_path, "domain.yml", b"\xff\xfe")
    write(tmp_path, "data/nlu.yml", "nlu:\n- intnt: a\n")  # the others are read all the same
    with pytest.raises(ProjectFaults) as raised:
        load_folder(tmp_path, env={})
    assert [(fault.path, fault.line) for fault in raised.value.faults] == [
        ("config.yml", 2),
        ("data/nlu.yml", 2),
        ("domain.yml", 1),
    ]
    assert "UTF-8" in raised.value.faults[0].remedy
    with pytest.raises(ProjectFaults, match="UTF-8"):
        read_sources(tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ProjectFaults, match="there is no such folder"):
        load_folder(tmp_path / "nowhere", env={})


def test_an_empty_folder_says_what_is_missing(tmp_path):
    with pytest.raises(ProjectFaults) as raised:
        load_folder(tmp_path, env={})
    assert [fault.path for fault in raised.value.faults] == ["config.yml", "domain.yml"]
