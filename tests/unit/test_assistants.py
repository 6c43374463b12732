"""Small assistants, one per feature, pass their own test stories."""

import pytest
from assistant_parts import FOLDERS, by_heart, not_understood

from bot.dialogue.policies.ensemble import train
from bot.folder import load_folder
from training.story_tests import run_story_tests


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_assistant_passes_its_test_stories(folder):
    project = load_folder(folder, env={})
    known = by_heart(project)
    report = run_story_tests(project, train(project), lambda text: known.get(text) or not_understood(text, project))
    assert report.passed, report.text()


def test_there_are_enough_stories():
    assert sum(len(load_folder(folder, env={}).tests) for folder in FOLDERS) >= 40
