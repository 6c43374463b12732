"""Slash messages: what is one, and what it says."""

import pytest

from bot.dialogue.domain import Domain, EntitySpec, IntentSpec
from bot.dialogue.parse import Parse
from bot.dialogue.slash import command, parse_slash

DOMAIN = Domain(
    intents={name: IntentSpec(name=name) for name in ("greet", "faq", "查订单")},
    entities={name: EntitySpec(name=name) for name in ("city", "number")},
)


@pytest.mark.parametrize(
    ("text", "name", "confidence", "entities", "key"),
    [
        ("/greet", "greet", 1.0, [], None),
        ("  /greet  ", "greet", 1.0, [], None),
        ("/greet@0.7", "greet", 0.7, [], None),
        ("/greet@7", "greet", 1.0, [], None),  # no probability
        ("/greet@0.1.2", "greet", 1.0, [], None),  # no number
        ('/greet{"city": "Rome"}', "greet", 1.0, [("city", "Rome")], None),
        ('/greet@0.5{"city": ["Rome", "Bonn"]}', "greet", 0.5, [("city", "Rome"), ("city", "Bonn")], None),
        ('/greet{"planet": "Mars", "number": 7}', "greet", 1.0, [("number", 7)], None),  # no such entity
        ('/greet{"city": }', "greet", 1.0, [], None),  # no JSON
        ('/greet{"city": ' + "[" * 9999 + "}", "greet", 1.0, [], None),
        ('/greet{"city": "\\ud83d"}', "greet", 1.0, [], None),  # half a character
        ('/greet{"number": 1e999}', "greet", 1.0, [], None),  # more than a number can be
        ('/查订单{"city": "上海"}', "查订单", 1.0, [("city", "上海")], None),
        ("/faq/hours", "faq", 1.0, [], "hours"),
        ("/action_handoff", "action_handoff", 1.0, [], None),  # a command, in every assistant
    ],
)
def test_slash(text, name, confidence, entities, key):
    parse = parse_slash(text, DOMAIN)
    assert parse is not None
    assert (parse.intent.name, parse.intent.confidence, parse.response_key) == (name, confidence, key)
    assert [(entity.entity, entity.value) for entity in parse.entities] == entities
    assert parse.ranking == (parse.intent,)


@pytest.mark.parametrize(
    "text", ["", "hello", "a/b", "/", "/unknown", "/action_restart", "1/2 litre", "/ greet me now"]
)
def test_words(text):
    assert parse_slash(text, DOMAIN) is None


def test_command():
    def given(text: str) -> Parse:
        parse = parse_slash(text, DOMAIN)
        assert parse is not None
        return parse

    assert command(given("/action_resume")) == "action_resume"
    assert command(given("/greet")) is None
