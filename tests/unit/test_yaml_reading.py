"""YAML 1.2 to nodes: scalars, places, environment variables, and text that is no YAML."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.project import SourceFile
from bot.dialogue.yaml_tree import Node, read_yaml


def read(text, env=None):
    return read_yaml(SourceFile(path="a.yml", text=text), env or {})


def value(text, env=None):
    node, faults = read(text, env)
    assert not faults
    return node.json()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),  # a boolean in YAML 1.1
        ("on", "on"),
        ("010", 10),  # octal in YAML 1.1
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("1:30", "1:30"),  # sexagesimal in YAML 1.1
        ("2024-01-31", "2024-01-31"),  # no date object can reach JSON
        ("true", True),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ('"\\ud83d\\ude00"', "😀"),  # a surrogate pair in two escapes
        ("caf\\u00e9", "café"),  # ASCII files of older tools
        ('"caf\\\\u00e9"', "caf\\u00e9"),  # an escaped backslash stays
        ("你好 😀", "你好 😀"),
        ("-_", "-_"),  # looks like a number to the resolver
        ("{a: [1, {b: 2}]}", {"a": [1, {"b": 2}]}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(written, meant):
    assert value(f"key: {written}\n") == {"key": meant}


def test_a_byte_order_mark_and_an_empty_file_are_fine():
    assert value("\ufeffa: 1") == {"a": 1}
    assert value("") == {}
    assert value("# only a comment\n") == {}


def test_anchors_and_merge_keys():
    text = "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nlist: [*base]\n"
    assert value(text) == {"base": {"a": 1, "b": 2}, "other": {"a": 1, "b": 3}, "list": [{"a": 1, "b": 2}]}


def test_every_node_knows_its_line():
    node, _ = read("one: 1\n\ntwo:\n  deep: x\n  block: |\n    first\n    second\nthree:\n- item\n- key: y\n")
    two, three = node.value["two"], node.value["three"]
    assert (node.value["one"].line, two.line, two.value["deep"].line) == (1, 3, 4)
    assert (two.value["block"].line, two.value["block"].text_line) == (5, 6)
    assert [item.line for item in three.value] == [9, 10]


def test_environment_variables_are_expanded_anywhere():
    env = {"HOST": "h", "N": "0123"}
    text = 'a: http://${HOST}:1/\nb: "${HOST}${HOST}"\nc: |\n  x\n  ${HOST}\nd: ${N}\ne: $HOST ${} ${a b}\n'
    expected = {"a": "http://h:1/", "b": "hh", "c": "x\nh\n", "d": "0123", "e": "$HOST ${} ${a b}"}
    assert value(text, env) == expected


def test_an_unset_variable_is_a_fault_at_its_own_line():
    _, faults = read("a: 1\nb: |\n  x\n  ${SECRET_KEY}\n")
    assert [(fault.line, fault.what) for fault in faults] == [(4, "the environment variable SECRET_KEY is not set")]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, '"a" appears twice (first in line 1)'),
        ("a: 1\n b: 2\n", 2, "not valid YAML"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
        ("a:\n\t- b\n", 2, "not valid YAML"),
        ("a: 1\nb: \x07\n", 2, "U+0007"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: *nobody\n", 1, "undefined alias"),
        ("a: !!python/object:os.system x\n", 1, "tag"),
        ("a: .nan\n", 1, "stored"),
        ("? [x]\n: 1\n", 1, "a key"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("a: " + "[" * 5000, 1, "depth"),
        ('a: "\\ud83d"\n', 1, "surrogate"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, line, part):
    _, faults = read(text)
    assert [fault.line for fault in faults] == [line]
    assert part in faults[0].what
    assert faults[0].remedy


def test_aliases_cannot_unfold_without_end():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, faults = read("\n".join(lines))
    assert any("unfold" in fault.what for fault in faults)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%#?,\n\t ~<=$\\u0d8_.é你\u2028\x85")))
def test_no_text_raises(text):
    node, faults = read(text)
    assert isinstance(node, Node) or faults
