"""The large assistant that size is measured with."""

from bot.dialogue.load import load_project
from bot.dialogue.policies.ensemble import train
from bot.dialogue.project import SourceFile
from training.big_assistant import EXAMPLES, RULES, STORIES, big_assistant


def test_it_is_as_large_as_it_says_and_sound():
    files = [SourceFile(path=path, text=text) for path, text in big_assistant().items()]
    project = load_project(files, env={})
    assert (len(project.nlu.examples), len(project.stories), len(project.rules)) == (EXAMPLES, STORIES, RULES)
    assert len({example.text.casefold() for example in project.nlu.examples}) == EXAMPLES
    assert not project.notices
    train(project)  # no rule contradicts a story
