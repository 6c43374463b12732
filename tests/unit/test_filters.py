"""What narrows a search: settings, slots, metadata; faults in the settings; a name that no page has."""

from dataclasses import replace

import pytest
from engine_parts import FakeModels, conversation, project

from bot.dialogue.errors import ProjectFaults
from bot.dialogue.load import load_project
from bot.dialogue.project import SourceFile

DOMAIN = """
intents: [greet]
entities: [product]
slots:
  product: {type: text, mappings: [{type: from_entity, entity: product}]}
"""
SETTINGS = {"audience": "customers", "product": {"slot": "product"}, "locale": {"metadata": "locale"}}


@pytest.mark.parametrize(
    ("said", "metadata", "filters"),
    [
        ("when?", {}, {"audience": "customers"}),
        ("the lamp", {}, {"audience": "customers", "product": "lamp"}),
        ("when?", {"locale": "en_GB"}, {"audience": "customers", "locale": "en_GB"}),
        ("when?", {"filters": {"product": "chair"}}, {"audience": "customers", "product": "chair"}),
        # the assistant's own filters win, and what is no text is none
        ("the lamp", {"filters": {"product": "chair"}}, {"audience": "customers", "product": "lamp"}),
        ("when?", {"filters": {"audience": "staff", "n": 1}, "locale": 7}, {"audience": "customers"}),
        ("when?", {"filters": "all"}, {"audience": "customers"}),
    ],
)
async def test_what_a_search_is_narrowed_by(said, metadata, filters):
    models = FakeModels({"the lamp": ("nlu_fallback", 0.2, {"product": "lamp"})}, has_knowledge=True)
    assistant = project(DOMAIN)
    assistant = replace(assistant, config=replace(assistant.config, kefu={"filters": SETTINGS}))
    result = await conversation(assistant, models).send(said, **metadata)
    assert models.filters == filters
    told = "filtered by " + ", ".join(f"{name}={filters[name]}" for name in sorted(filters))
    assert told in result.record.reasons


async def test_a_name_that_no_page_has_is_told():
    models = FakeModels(has_knowledge=True)
    result = await conversation(project(DOMAIN), models).send("when?", filters={"product": "x", "colour": "red"})
    (failed,) = [action for action in result.record.actions if "error" in action]
    assert (failed["error"], failed["detail"]) == ("unknown_filter", "no passage has colour")
    assert (await conversation(project(DOMAIN), models).send("when?")).record.reasons[0].startswith("intent")


@pytest.mark.parametrize(
    ("filters", "what"),
    [
        ("[a]", "filters must have keys"),
        ("{product: {slot: a, metadata: b}}", "has not one source"),
        ("{product: {}}", "has not one source"),
        ("{product: {slots: a}}", 'unknown key "slots"'),
        ("{product: [a]}", "product of filters"),
    ],
)
def test_faulty_settings(filters, what):
    config = f"language: en\npipeline: []\npolicies: []\nkefu:\n  filters: {filters}\n"
    with pytest.raises(ProjectFaults) as caught:
        load_project([SourceFile(path="config.yml", text=config)], env={})
    assert any(what in str(fault) and str(fault).startswith("config.yml:5") for fault in caught.value.faults)
