"""One body taken apart into an assistant's files, and what is made of figures."""

import asyncio
import json
from dataclasses import replace

import pytest

from bot.dialogue.load import load_project
from bot.dialogue.parse import Entity, IntentScore, Parse
from bot.dialogue.project import EntityAnnotation, NluExample, SourceFile
from bot.errors import Faulty
from bot.rasa_reports import judged
from bot.release import ReleaseDraft, list_releases, prune, releases_lock
from bot.whole_body import split, with_domain
from bot.workshop import _keep

BODY = """version: "3.1"
language: zh
pipeline: []
intents: [greet]
nlu:
- intent: greet
  examples: |
    - 你好
rules:
- rule: greet
  steps: [{intent: greet}, {action: utter_greet}]
responses:
  utter_greet:
  - text: |
      您好

      再见
policies: []
"""


ANSWERS = "responses: {utter_faq/hours: [{text: At nine}]}"


def project(files):
    return load_project([SourceFile(path=path, text=text) for path, text in files.items()], env={})


@pytest.mark.parametrize("body", [BODY, BODY.replace("\n", "\r\n"), "\ufeff" + BODY])
def test_every_key_stays_at_its_line(body):
    files = split(body)
    assert set(files) == {"config.yml", "domain.yml", "data/data.yml"}
    read = project(files)
    assert (read.config.language, set(read.domain.responses), len(read.rules)) == ("zh", {"utter_greet"}, 1)
    (example,) = read.nlu.examples
    assert (example.text, example.line) == ("你好", 8)
    assert read.rules[0].line == 10


def test_a_body_without_lines():
    read = project(split(json.dumps({"intents": ["greet"], "nlu": [{"intent": "greet", "examples": "- hi\n"}]})))
    assert [example.text for example in read.nlu.examples] == ["hi"]


def test_a_body_of_examples_alone_names_its_own_domain():
    nlu = [{"intent": "faq/hours", "examples": "- when in [Rome](city)\n"}, {"intent": "greet", "examples": "- hi\n"}]
    read = project({**with_domain(json.dumps({"nlu": nlu})), "data/answers.yml": ANSWERS})
    assert {"faq", "greet"} <= set(read.domain.intents)
    assert set(read.domain.entities) == {"city"}


@pytest.mark.parametrize("body", ["- a", "text", "a: [", "a: 1\na: 2", "&a [*a]", "a: " + "[" * 500])
def test_what_is_no_assistant(body):
    with pytest.raises(Faulty):
        split(body)


def test_the_figures_of_examples():
    def example(intent, *spans):
        entities = tuple(EntityAnnotation(start=s, end=e, entity=name) for s, e, name in spans)
        return NluExample(text="to Rome now", intent=intent, entities=entities)

    right = Parse(
        text="to Rome now",
        intent=IntentScore(name="go", confidence=0.9),
        entities=(Entity(entity="city", value="Rome", start=3, end=7),),
    )
    faq = replace(right, intent=IntentScore(name="faq", confidence=0.8), response_key="hours", entities=())
    city = (3, 7, "city")
    found = judged(
        [example("go", city), example("go", city), example("faq/hours"), example("faq/returns")],
        [right, replace(right, intent=faq.intent, entities=()), faq, faq],
    )
    intents = found["intent_evaluation"]
    assert (intents["accuracy"], intents["report"]["go"]["recall"]) == (0.75, 0.5)
    assert [error["intent_prediction"]["name"] for error in intents["errors"]] == ["faq"]
    assert found["entity_evaluation"]["report"]["city"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1-score": pytest.approx(2 / 3),
        "support": 2,
    }
    assert found["response_selection_evaluation"]["accuracy"] == 0.5


async def test_a_release_is_kept_when_no_other_is_made(tmp_path):
    made = ReleaseDraft(tmp_path / "scratch").finish({}).folder
    models = tmp_path / "models"
    models.mkdir()
    with releases_lock(models):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_keep(made, models), 0.2)
        prune(models, keep=5)
        assert list_releases(models) == []
    await _keep(made, models)
    assert [release.id for release in list_releases(models)] == [made.name]
