"""Which variation is said, and how it is filled in."""

import random

import pytest

from bot.dialogue.domain import Domain, ResponseCondition, ResponseVariation
from bot.dialogue.responses import choose, fitting, placeholders, render, respond

VIP = (ResponseCondition(slot="vip", value=True),)
PARIS = (ResponseCondition(slot="city", value="Paris"),)


def said(*variations, slots=None, channel="web"):
    """Every text that may be chosen."""
    rng = random.Random(0)
    picks = [choose(variations, slots=slots or {}, channel=channel, rng=rng) for _ in range(40)]
    return {pick and pick.text for pick in picks}


def variation(text, channel=None, conditions=None):
    return ResponseVariation(text=text, channel=channel, conditions=conditions)


ALL = (
    variation("plain"),
    variation("web", "web"),
    variation("vip", None, VIP),
    variation("vip web", "web", VIP),
)


@pytest.mark.parametrize(
    ("variations", "slots", "channel", "expected"),
    [
        (ALL, {"vip": True}, "web", {"vip web"}),
        (ALL, {}, "web", {"web"}),
        (ALL, {"vip": True}, "rest", {"vip"}),
        (ALL, {}, "rest", {"plain"}),
        (ALL[:3], {"vip": True}, "web", {"web"}),  # channel before condition
        ((variation("a"), variation("b")), {}, None, {"a", "b"}),
        ((variation("a", None, ()),), {}, "web", {None}),  # an empty condition never holds
        ((variation("a", None, PARIS),), {"city": "pARIS"}, "web", {"a"}),  # case does not count
        ((variation("a", None, PARIS),), {"city": None}, "web", {None}),
        ((variation("a", None, VIP + PARIS),), {"vip": True}, "web", {None}),  # all must hold
        ((variation("a", "telegram"),), {}, "web", {None}),
        ((), {}, "web", {None}),
    ],
)
def test_choice(variations, slots, channel, expected):
    assert said(*variations, slots=slots, channel=channel) == expected


VALUES = {"name": "Ada", "n": 5.0, "unset": None, "list": ["a", "b"], "城市": "北京", "brace": "{name}"}


@pytest.mark.parametrize(
    ("text", "filled", "notes"),
    [
        ("Hi {name}", "Hi Ada", 0),
        ("{n} {unset} {list} {城市}", "5.0 None ['a', 'b'] 北京", 0),
        ("Hi {name} {nobody}", "Hi {name} {nobody}", 1),  # one unknown name leaves the whole text
        ("{{name}}", "{name}", 0),
        ("{{name}} is {name}", "{name} is Ada", 0),
        ("{{{name}}}", "{Ada}", 0),
        ("{brace}", "{name}", 0),  # a value is not filled in again
        ("{", "{", 0),
        ("} {", "} {", 0),
        ("{\n}", "{\n}", 0),
        ('/inform{"a": "b"}', '/inform{"a": "b"}', 0),  # JSON is no placeholder
        ('/inform{"a": "{name}"}', '/inform{"a": "Ada"}', 0),
        ('{"a":{"b":{"c":1}}}', '{"a":{"b":{"c":1}}}', 0),
        ("{name.__class__} {0}", "{name.__class__} {0}", 2),  # no attribute is reached
    ],
)
def test_interpolation(text, filled, notes):
    rendered = render(variation(text), VALUES)
    assert rendered.text == filled
    assert len(rendered.notes) == notes


def test_all_that_fit_keep_their_order():
    variations = (variation("a"), variation("vip", None, VIP), variation("b"))
    assert [each.text for each in fitting(variations, slots={}, channel="web")] == ["a", "b"]
    assert [each.text for each in fitting(variations, slots={"vip": True}, channel="web")] == ["vip"]


def test_without_values_nothing_is_touched():
    assert render(variation("{{x}} {y}"), {}).text == "{{x}} {y}"


def test_every_part_that_is_filled_in():
    rendered = render(
        ResponseVariation(
            image="{name}.png",
            buttons=({"title": "{name}", "payload": "/x", "n": 1},),
            quick_replies=({"title": "{name}"},),
            attachment={"a": [{"b": "{name}"}]},
            custom={"{name}": "{name}", "n": None},
            elements=({"title": "{name}"},),
            metadata={"m": "{name}"},
            button_type="vertical",
        ),
        VALUES,
    )
    assert rendered.image == "Ada.png"
    assert rendered.buttons == ({"title": "Ada", "payload": "/x", "n": 1},)
    assert rendered.quick_replies == ({"title": "Ada"},)
    assert rendered.attachment == {"a": [{"b": "Ada"}]}
    assert rendered.custom == {"{name}": "Ada", "n": None}
    assert rendered.elements == ({"title": "{name}"},)  # not these two
    assert rendered.metadata == {"m": "{name}"}
    assert rendered.button_type == "vertical"


def test_respond_lets_arguments_override_slots():
    domain = Domain(responses={"utter_a": (variation("{name} {more}"),)})
    rng = random.Random(0)
    rendered = respond(domain, "utter_a", slots=VALUES, channel="web", rng=rng, arguments={"name": "Bo", "more": 1})
    assert rendered is not None
    assert rendered.text == "Bo 1"
    assert respond(domain, "utter_b", slots={}, channel="web", rng=rng) is None


def test_placeholders():
    both = ResponseVariation(text="{a} {{b}}", buttons=({"payload": '/i{"x": "{c}"}'},), custom={"k": ["{a}", "{d}"]})
    assert placeholders(both) == ("a", "c", "d")
