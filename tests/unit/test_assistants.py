"""Small assistants, one per feature, pass their own test stories."""

import pytest
from assistant_parts import FOLDERS, by_heart, not_understood

from bot.dialogue.policies.examples import all_examples, examples, key_of
from bot.dialogue.policies.options import Options
from bot.dialogue.policies.rule import RuleOptions
from bot.dialogue.policies.rule_training import train_rules
from bot.dialogue.project import Component
from bot.dialogue.stories import dialogues
from bot.folder import load_folder
from training.policy import plan_policies
from training.story_tests import run_story_tests


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_assistant_passes_its_test_stories(folder):
    project = load_folder(folder, env={})
    known = by_heart(project)
    policies, *_ = plan_policies(project, seed=0).learn()
    report = run_story_tests(project, policies, lambda text: known.get(text) or not_understood(text, project))
    assert report.passed, report.text()


def test_there_are_enough_stories():
    assert sum(len(load_folder(folder, env={}).tests) for folder in FOLDERS) >= 40


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_stories_share_is_learned_as_if_each_stood_alone(folder):
    project = load_folder(folder, env={})
    stories, rules = (dialogues(told, project.domain) for told in (project.stories, project.rules))
    alone = {(key_of(each.states), each.action) for told in stories for each in examples(told, project.domain)}
    assert {(key_of(each.states), each.action) for each in all_examples(stories, project.domain)} == alone
    options = RuleOptions.read(Options(Component(name="RulePolicy")))
    # in another order the stories in a row have less in common
    shuffled = sorted(stories, key=lambda told: repr(told.events[-2:]))
    one, other = (train_rules(rules, told, project.domain, options) for told in (stories, shuffled))
    assert one[0].to_json() == other[0].to_json()
    assert one[1] == other[1] == []
