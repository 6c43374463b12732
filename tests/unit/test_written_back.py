"""Examples and stories added to files that people wrote: nothing else changes, and the result reads as it should."""

import pytest

from bot.dialogue.load import load_nlu
from bot.dialogue.project import EntityAnnotation, NluExample, SourceFile
from bot.dialogue.yaml_tree import read_yaml
from training.written_back import with_examples, with_item

NLU = """version: "3.1"
# ours
nlu:
- intent: greet   # hello
  examples: |
    - hi
    - hello

# about orders
- intent: order
  examples: |
     - a [pizza](dish)
- regex: zip
  examples: |
    - \\d+
- intent: bye
  examples:
  - text: |
      bye
"""


def example(text, intent, *spans):
    return NluExample(text=text, intent=intent, entities=spans)


def read(text):
    return load_nlu([SourceFile(path="nlu.yml", text=text)], env={})


def added(text, *examples):
    changed = with_examples({"data/nlu.yml": text}, examples, "data/nlu.yml")["data/nlu.yml"]
    before = [(each.text, each.intent) for each in read(text).examples] if text else []
    after = [(each.text, each.intent) for each in read(changed).examples]
    assert sorted(after) == sorted([*before, *((each.text, each.intent) for each in examples)])
    lines = changed.splitlines()
    assert [line for line in text.splitlines() if line not in lines] == []
    return changed


def test_examples_stand_behind_those_of_their_intent():
    pasta = example("my pasta", "order", EntityAnnotation(start=3, end=8, entity="dish"))
    changed = added(NLU, example("hey", "greet"), pasta)
    assert "    - hello\n    - hey\n\n# about orders\n" in changed
    assert "     - a [pizza](dish)\n     - my [pasta](dish)\n- regex: zip\n" in changed


def test_a_list_of_texts_gets_a_block_beside_it():
    changed = added(NLU, example("see you", "bye"))
    assert changed == NLU + "- intent: bye\n  examples: |\n    - see you\n"


def test_a_new_intent_in_a_new_file():
    files = {"data/nlu.yml": NLU}
    changed = with_examples(files, [example("你好[吗]", "问候")], "data/other.yml")
    assert list(changed) == ["data/other.yml"]
    assert [(each.text, each.intent) for each in read(changed["data/other.yml"]).examples] == [("你好[吗]", "问候")]


def test_an_example_that_is_there_is_not_added_again():
    assert with_examples({"data/nlu.yml": NLU}, [example("hello", "greet")], "data/nlu.yml") == {}


def test_a_file_without_a_line_break_at_its_end():
    text = 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hi'
    assert added(text, example("hey", "greet")).endswith("    - hi\n    - hey\n")


ITEM = "- story: new\n  steps:\n  - intent: a\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stories:\n- story: old\n  steps:\n  - intent: b\n",
        # indented, with comments and another key behind it
        "stories:\n  # first\n  - story: old\n    steps: []\n\n# rules now\nrules:\n- rule: x\n  steps: []\n",
        "stories:\nnlu: []\n",
        "stories: []\nrules: []\n",
        "rules: []",
        "stories: # first\n",
        "stories: null",
    ],
)
def test_a_story_stands_behind_the_others(text):
    changed = with_item(text, "stories", ITEM)
    root, faults = read_yaml(SourceFile(path="s.yml", text=changed), {})
    assert not faults
    names = [story.value["story"].value for story in root.value["stories"].value]
    assert names == (["old", "new"] if "old" in text else ["new"])
    assert ("rules" in root.value) == ("rules" in text)
    assert all(comment in changed for comment in ("# first", "# rules now") if comment in text)
