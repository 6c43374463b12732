"""``kefu interactive`` with the real models, over pipes and over a terminal: what is corrected is kept and learned."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

DOMAIN = """version: "3.1"
intents: [greet, order, inform, bye]
entities: [size]
slots:
  size: {type: text, mappings: [{type: from_entity, entity: size}]}
  vip: {type: bool, mappings: [{type: custom}]}
responses:
  utter_greet: [{text: "HELLO"}]
  utter_order: [{text: "WHICH SIZE"}]
  utter_bye: [{text: "BYE"}]
"""
NLU = """version: "3.1"
nlu:
# how people begin
- intent: greet
  examples: |
    - hello
    - good morning
    - hi there
- intent: order
  examples: |
    - a pizza please
    - i want to order pizza
    - bring me a [large](size) pizza
- intent: inform
  examples: |
    - [small](size)
    - the [medium](size) one
- intent: bye
  examples: |
    - bye
    - see you later
    - good night
"""
RULES = """version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: bye
  steps:
  - intent: bye
  - action: utter_bye
"""


@pytest.fixture(scope="module", params=["en", "zh"])
def assistant(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"pizza_{request.param}")
    (folder / "data").mkdir()
    files = {"domain.yml": DOMAIN, "config.yml": f"language: {request.param}\n", "data/nlu.yml": NLU}
    for name, text in {**files, "data/rules.yml": RULES}.items():
        (folder / name).write_text(text, "utf-8")
    trained = kefu("train", folder, "--fast", "--no-generator")
    assert trained.returncode == 0, trained.stderr
    return folder


def kefu(*words, **options):
    command = [sys.executable, "-m", "bot.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def talk(folder, *lines):
    return kefu("interactive", folder, input="".join(f"{line}\n" for line in lines))


def test_a_conversation_is_corrected_saved_and_learned(assistant):
    said = talk(
        assistant,
        *("hello", "", "", ""),  # understood, greeted, listened
        *("bring pizza", "oder", "order"),  # an intent that is misspelt, then the right one
        "bring pizza",  # no annotation: taken for an intent, which there is not
        *("", "utter_order", "action_listen"),
        *("gigantic", "inform", "[gigantic](size)", ""),
        *(":slot vip=true", "utter_bye", ":back", "utter_greet", "action_listen"),
        *(":done", "a pizza of size", "y"),
    )
    assert said.returncode == 0, said.stderr
    assert "HELLO" in said.stdout
    assert 'did you mean "order"?' in said.stdout
    assert 'rule "greet" (data/rules.yml:6)' in said.stdout
    nlu = (assistant / "data/nlu.yml").read_text("utf-8")
    expected = NLU.replace("[large](size) pizza\n", "[large](size) pizza\n    - bring pizza\n")
    assert nlu == expected.replace("[medium](size) one\n", "[medium](size) one\n    - [gigantic](size)\n")
    story = """- story: a pizza of size
  steps:
  - intent: greet
  - action: utter_greet
  - intent: order
  - action: utter_order
  - intent: inform
    entities:
    - size: gigantic
  - slot_was_set:
    - vip: true
  - action: utter_greet
"""
    assert (assistant / "data/stories.yml").read_text("utf-8") == f'version: "3.1"\nstories:\n{story}'
    tests = (assistant / "tests/test_stories.yml").read_text("utf-8")
    assert '  - intent: inform\n    user: "[gigantic](size)"\n' in tests
    checked = kefu("data", "validate", assistant)
    assert checked.returncode == 0, checked.stderr
    assert "1 stories, 1 test stories" in checked.stdout


def test_going_back_undoes_the_message_and_its_example(assistant):
    before = {path: path.read_bytes() for path in assistant.glob("data/*.yml")}
    said = talk(assistant, ":back", "see you", "greet", "", ":back", ":back", ":back", ":done", "")
    assert said.returncode == 0, said.stderr
    assert {path: path.read_bytes() for path in assistant.glob("data/*.yml")} == before


def test_what_cannot_be_is_asked_again_and_nothing_is_saved(assistant):
    before = {path: path.read_bytes() for path in assistant.rglob("*.yml")}
    lines = ("hello", "[hello](place)", "[bye](size)", "[hello]{x}", "", "action_nothing", ":slot a=1", ":x", ":quit")
    said = talk(assistant, *lines)
    assert (said.returncode, said.stderr.count("Traceback")) == (0, 0)
    assert {path: path.read_bytes() for path in assistant.rglob("*.yml")} == before
    for name in ("place", "bye", "action_nothing", ":x"):
        assert name in said.stdout


def test_prompts_are_in_the_language_of_the_assistant(assistant):
    said = talk(assistant, ":quit").stdout
    assert ("直接回车" in said, "Enter takes" in said) in ((True, False), (False, True))
    assert ("直接回车" in said) == assistant.name.startswith("pizza_zh")


def test_in_a_terminal(assistant):
    """Line by line, each when its prompt is there, as a person types."""
    child, master = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "bot.cli", "interactive", str(assistant)])
    seen = ""
    prompts = (("you", "您"), ("right?", "对吗"), ("do it?", "执行吗"), ("do it?", "执行吗"), ("you", "您"))
    for answers, line in zip(prompts, ("hello", "", "", "", ":quit"), strict=True):
        seen += until(master, f"{answers[0]}", answers[1])
        os.write(master, f"{line}\n".encode())
    seen += until(master, "nothing was saved", "未保存")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(master)
    assert "HELLO" in seen


def until(master, *words, timeout_s=60.0):
    text, ends_at = "", time.monotonic() + timeout_s
    while time.monotonic() < ends_at:
        if not select.select([master], [], [], 1.0)[0]:
            continue
        text += os.read(master, 65536).decode("utf-8", "replace")
        last = text.splitlines()[-1] if text.splitlines() else ""
        if any(word in last for word in words):
            return text
    raise AssertionError(f"none of {words} in: {text}")
