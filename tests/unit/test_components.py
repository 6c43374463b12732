"""What becomes of the components that a config.yml of Rasa names."""

import re

import pytest

from bot.dialogue.components import TREATMENTS, names, treatment, verdicts
from bot.dialogue.config_file import read_config
from bot.dialogue.project import SourceFile
from bot.dialogue.reading import Reading
from bot.dialogue.yaml_tree import read_yaml

# every component and policy that Rasa Open Source 3.6 registers
OF_RASA_3 = {
    "pipeline": [
        "WhitespaceTokenizer",
        "JiebaTokenizer",
        "MitieTokenizer",
        "SpacyTokenizer",
        "MitieNLP",
        "SpacyNLP",
        "RegexFeaturizer",
        "LexicalSyntacticFeaturizer",
        "CountVectorsFeaturizer",
        "LanguageModelFeaturizer",
        "SpacyFeaturizer",
        "MitieFeaturizer",
        "ConveRTFeaturizer",
        "DIETClassifier",
        "LogisticRegressionClassifier",
        "SklearnIntentClassifier",
        "KeywordIntentClassifier",
        "MitieIntentClassifier",
        "FallbackClassifier",
        "CRFEntityExtractor",
        "RegexEntityExtractor",
        "DucklingEntityExtractor",
        "SpacyEntityExtractor",
        "MitieEntityExtractor",
        "EntitySynonymMapper",
        "ResponseSelector",
    ],
    "policies": [
        "TEDPolicy",
        "UnexpecTEDIntentPolicy",
        "RulePolicy",
        "MemoizationPolicy",
        "AugmentedMemoizationPolicy",
    ],
}


def read(text):
    root, faults = read_yaml(SourceFile(path="config.yml", text=text), {})
    assert not faults
    reading = Reading()
    return read_config(root, reading), reading


@pytest.mark.parametrize("section", ["pipeline", "policies"])
def test_every_component_of_rasa_3_has_a_fate(section):
    fates = {name: treatment(name, section).fate for name in OF_RASA_3[section]}
    assert "refused" not in fates.values()
    every = [name for each in TREATMENTS for name in each.names]
    assert len(every) == len(set(every)) == len({*names("pipeline"), *names("policies")})


@pytest.mark.parametrize(
    ("section", "name", "says"),
    [
        ("policies", "FormPolicy", "kefu data convert"),
        ("policies", "TwoStageFallbackPolicy", "kefu data convert"),
        ("policies", "my.team.Policy", "rules, stories or a custom action"),
        ("policies", "FlowPolicy", "Rasa Pro"),
        ("pipeline", "SingleStepLLMCommandGenerator", "Rasa Pro"),
    ],
)
def test_what_is_refused_names_the_line_and_what_to_do(section, name, says):
    _, reading = read(f"language: en\n{section}:\n- name: {name}\n")
    assert [(fault.path, fault.line) for fault in reading.faults] == [("config.yml", 3)]
    assert f'"{name}" cannot run here' in reading.faults[0].what
    assert says in reading.faults[0].remedy


@pytest.mark.parametrize(
    ("name", "says"), [("my.team.Sentiment", "custom action"), ("SpacyEntityExtractor", "lookup tables")]
)
def test_what_is_ignored_is_noticed(name, says):
    _, reading = read(f"pipeline:\n- name: {name}\n")
    assert (len(reading.notices), reading.faults) == (1, [])
    assert reading.notices[0].startswith(f'config.yml:2: the component "{name}" is ignored')
    assert says in reading.notices[0]


def test_verdicts_stand_in_the_order_of_the_file():
    config, _ = read(
        "pipeline:\n- name: rasa.nlu.classifiers.diet_classifier.DIETClassifier\n- name: a.B\n"
        "policies:\n- name: RulePolicy\n"
    )
    found = [(verdict.name, verdict.line, verdict.fate) for verdict in verdicts(config)]
    assert found == [("DIETClassifier", 2, "replaced"), ("a.B", 3, "ignored"), ("RulePolicy", 5, "used")]


def test_what_a_terminal_shows_has_no_links():
    assert not [each.words for each in TREATMENTS if re.search(r"\]\(", each.words)]
