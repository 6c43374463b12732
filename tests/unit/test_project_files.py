"""A whole assistant from its files: what is read, all faults at once, nothing half-loaded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.errors import ProjectFaults
from bot.dialogue.load import load_project
from bot.dialogue.project import SourceFile

DOMAIN = """version: "3.1"
intents: [greet, bye]
entities: [city]
responses:
  utter_greet:
  - text: "Hi from ${SHOP}"
  utter_bye:
  - text: 再见
"""
NLU = """version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello [Berlin](city)
    - 你好
- intent: bye
  examples: |
    - bye
    - see you
"""
RULES = """rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: bye
  steps:
  - intent: bye
  - action: utter_bye
"""
TESTS = """stories:
- story: a test
  steps:
  - user: hello [Berlin](city)
    intent: greet
  - action: utter_greet
"""
FILES = {
    "config.yml": "language: en\n",
    "domain.yml": DOMAIN,
    "data/nlu.yml": NLU,
    "data/rules.yml": RULES,
    "tests/test_all.yml": TESTS,
}
ENV = {"SHOP": "Kefu"}


def load(changes=None, env=None):
    files = {**FILES, **(changes or {})}
    sources = [SourceFile(path=path, text=text) for path, text in files.items() if text is not None]
    return load_project(sources, env=ENV if env is None else env)


def faults(changes, env=None):
    with pytest.raises(ProjectFaults) as raised:
        load(changes, env)
    return [f"{fault.path}:{fault.line}" for fault in raised.value.faults], str(raised.value)


def test_a_sound_assistant_loads_without_a_remark():
    project = load()
    assert project.notices == ()
    assert [example.text for example in project.nlu.examples] == ["hello Berlin", "你好", "bye", "see you"]
    assert project.domain.responses["utter_greet"][0].text == "Hi from Kefu"
    assert [rule.name for rule in project.rules] == ["greet", "bye"]
    assert [(test.name, test.kind, test.steps[0].text) for test in project.tests] == [
        ("a test", "test", "hello Berlin")
    ]
    assert project.stories == ()


def test_one_file_may_be_everything_but_the_config():
    everything = DOMAIN + NLU.removeprefix('version: "3.1"\n') + RULES
    project = load({"domain.yml": None, "data/nlu.yml": None, "data/rules.yml": None, "data/all.yml": everything})
    assert len(project.rules) == 2
    assert len(project.nlu.examples) == 4
    assert "utter_bye" in project.domain.responses


def test_the_domain_may_be_a_folder_and_responses_stand_beside_nlu():
    changes = {
        "domain.yml": None,
        "domain/a.yml": "intents: [greet, bye, faq]\nentities: [city]\n",
        "domain/deep/b.yaml": "responses:\n  utter_greet: [{text: a}]\n",
        "data/faq.yml": "nlu:\n- intent: faq/a\n  examples: |\n    - why\n"
        "responses:\n  utter_faq/a: [{text: b}]\n  utter_bye: [{text: c}]\n",
    }
    project = load(changes)
    assert set(project.domain.responses) == {"utter_greet", "utter_faq/a", "utter_bye"}
    assert project.nlu.examples[0].intent == "faq/a"


def test_test_stories_do_not_train_wherever_they_stand():
    project = load({"data/test_more.yml": TESTS, "data/stories.yml": TESTS.replace("a test", "a story")})
    assert [story.name for story in project.stories] == ["a story"]
    assert len(project.tests) == 2


def test_what_the_bot_says_in_a_story_is_an_action():
    story = "stories:\n- story: s\n  steps:\n  - user: what shall I eat\n  - bot: 寿司怎么样\n"
    domain = load({"data/stories.yml": story}).domain
    assert domain.e2e_actions == ("寿司怎么样",)
    assert "寿司怎么样" in domain.action_names


def test_other_files_are_left_alone():
    changes = {
        "docker-compose.yml": "version: 3\nservices: {a: ${UNSET}}\n",
        "broken.yml": "a: [",
        "data/readme.md": "# not YAML: [",
        "nlu.yml": NLU,
        "tests/helper.yml": "nlu: []\n",
    }
    assert [notice.split(": ")[0] for notice in load(changes).notices] == ["nlu.yml:1", "tests/helper.yml:1"]


def test_all_faults_of_all_files_are_given_at_once_in_order():
    places, text = faults(
        {
            "config.yml": "langauge: en\n",
            "domain.yml": DOMAIN + "slots:\n  a: {type: text}\n",
            "data/nlu.yml": NLU + "- intent: greeet\n  examples:\n    - hey\n",
            "data/rules.yml": RULES + "- rule: x\n  steps:\n  - intent: bye\n  - action: utter_gret\n",
            "endpoints.yml": "action_endpoint: {url: nowhere}\n",
            "credentials.yml": "a: [\n",
        },
        {},
    )
    assert places == [
        "config.yml:1",
        "credentials.yml:2",
        "data/nlu.yml:13",
        "data/rules.yml:13",
        "domain.yml:6",
        "domain.yml:10",
        "endpoints.yml:1",
    ]
    for part in ('did you mean "language"?', 'did you mean "utter_greet"?', "SHOP is not set"):
        assert part in text


@pytest.mark.parametrize(
    ("changes", "places", "part"),
    [
        ({"config.yml": None}, ["config.yml:1"], "missing"),
        ({"domain.yml": None}, ["domain.yml:1"], "missing"),
        ({"data/nlu.yml": "- a\n"}, ["data/nlu.yml:1"], "not made of keys"),
        ({"data/nlu.yml": "just text"}, ["data/nlu.yml:1"], "not made of keys"),
        ({"data/nlu.yml": "nul: []\n" + NLU}, ["data/nlu.yml:1"], 'did you mean "nlu"?'),
        (
            {"domain.yml": DOMAIN.replace("responses:", "templates:"), "data/rules.yml": ""},
            ["domain.yml:4"],
            "responses",
        ),
        ({"data/nlu.yml": 'version: "4.0"\nnlu: []\n'}, ["data/nlu.yml:1"], "newer"),
        ({"data/nlu.yml": 'version: "latest"\nnlu: []\n'}, ["data/nlu.yml:1"], "no number"),
        ({"domain.yml": "intents: ["}, ["domain.yml:1"], "not valid YAML"),  # and nothing that follows from it
        ({"domain.yml": "intents: {greet: }\n"}, ["domain.yml:1"], "must be a list"),
    ],
)
def test_faults_of_files(changes, places, part):
    found, text = faults(changes)
    assert found == places
    assert part in text


def test_versions_are_read_as_the_latest_with_a_notice():
    project = load({"data/nlu.yml": NLU.replace('"3.1"', '"2.0"'), "data/rules.yml": 'version: "2.0"\n' + RULES})
    assert len(project.notices) == 1
    assert "version 2.0 is read as 3.1 (as in 1 other" in project.notices[0]
    assert "should be text" in load({"data/nlu.yml": NLU.replace('"3.1"', "3.1")}).notices[0]


NAMES = """nlu intents stories rules steps intent action examples slots type text mappings forms responses entities
user or config kefu pipeline name version utter_a greet null true 5 [] {} - -- : | > ? & * ! ${A} [a](b) [x]{y}"""
WORDS = st.sampled_from([*NAMES.split(), "\t"])
LINES = st.builds(
    lambda indent, dash, words, colon: " " * indent + dash + " ".join(words) + colon,
    st.integers(0, 6),
    st.sampled_from(["", "- ", "- - "]),
    st.lists(WORDS, max_size=3),
    st.sampled_from(["", ":", ": a", ": [a, b]", ": {a: b}", ": |", ": 5", ": null"]),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*sorted(FILES), "endpoints.yml", "credentials.yml"]), st.lists(LINES, max_size=12), st.data())
def test_garbage_gives_faults_and_never_anything_else(path, lines, data):
    original = FILES.get(path, "").split("\n")
    cut = data.draw(st.integers(0, len(original)))
    text = "\n".join([*original[:cut], *lines, *original[cut:]])
    for fault in outcome({path: text}):
        assert fault.what
        assert fault.remedy
        assert 1 <= fault.line <= len(text.split("\n")) + len(DOMAIN)


def outcome(changes):
    try:
        load(changes)
    except ProjectFaults as error:
        return error.faults
    return ()
