"""Stories and rules as sequences of events."""

from dataclasses import replace

import pytest
from dialogue_parts import project

from bot.dialogue import events as ev
from bot.dialogue.domain import Domain
from bot.dialogue.errors import ProjectFaults
from bot.dialogue.project import ActionStep, CheckpointStep, Story, UserStep
from bot.dialogue.states import SHOULD_NOT_BE_SET
from bot.dialogue.stories import MAX_SEQUENCES, Dialogue, dialogues, user_message

DOMAIN_YML = """
    version: "3.1"
    intents: [greet, inform, affirm, deny, 问候]
    entities: [city]
    slots:
      city: {type: text, mappings: [{type: from_entity, entity: city}]}
      cities: {type: list, mappings: [{type: from_entity, entity: city}]}
      vip: {type: bool, mappings: [{type: custom}]}
      formed: {type: text, mappings: [{type: from_entity, entity: city, conditions: [{active_loop: book_form}]}]}
    forms: {book_form: {required_slots: [city]}}
    responses: {utter_hi: [{text: Hi}], utter_ok: [{text: Ok}], utter_no: [{text: No}]}
"""


def courses(data: str) -> list[Dialogue]:
    read = project(domain=DOMAIN_YML, data=data)
    return dialogues((*read.stories, *read.rules), read.domain)


def shown(dialogue: Dialogue) -> list[str]:
    """The events in short."""

    def show(event: ev.Event) -> str:
        match event:
            case ev.UserUttered():
                return event.parse.intent.name or event.text
            case ev.ActionExecuted():
                return "listen" if event.name == "action_listen" else event.name or f"says {event.action_text}"
            case ev.SlotSet():
                return f"{event.name}={event.value}"
            case ev.ActiveLoop():
                return f"loop {event.name}"
        return type(event).__name__

    return [show(event) for event in dialogue.events]


def test_the_bot_listens_before_each_message_and_at_the_end() -> None:
    (story,) = courses("""
        stories:
        - story: hi
          steps:
          - intent: greet
          - action: utter_hi
          - intent: 问候
          - action: utter_hi
    """)
    assert shown(story) == ["listen", "greet", "utter_hi", "listen", "问候", "utter_hi", "listen"]
    assert story.unpredictable is None


def test_entities_fill_slots_unless_a_form_has_to_be_active() -> None:
    (story,) = courses("""
        stories:
        - story: city
          steps:
          - intent: inform
            entities: [{city: 罗马}, {city: Oslo}]
          - action: utter_ok
    """)
    assert shown(story)[1:4] == ["inform", "city=Oslo", "cities=['罗马', 'Oslo']"]


def test_steps_of_every_kind_and_where_they_stand() -> None:
    (story,) = courses("""
        stories:
        - story: all
          steps:
          - action: utter_hi
          - user: hello there
          - bot: Hi there
          - slot_was_set: [city, cities, {vip: true}]
          - active_loop: book_form
          - active_loop: null
    """)
    assert shown(story) == [
        "utter_hi", "listen", "hello there", "says Hi there", "city=filled", "cities=['filled']", "vip=True",
        "loop book_form", "loop None", "listen",
    ]  # fmt: skip
    assert story.unpredictable == 0
    assert story.events[story.unpredictable] == ev.ActionExecuted(name="utter_hi")
    hello = next(event for event in story.events if isinstance(event, ev.UserUttered))
    assert story.line_of(hello) == 6


def test_an_action_step_may_stand_for_an_event() -> None:
    story = Story(name="back", steps=(UserStep(intent="greet"), ActionStep(name="rewind")))
    learned = [shown(dialogue) for dialogue in dialogues([story], Domain())]
    # what is taken back is learned all the same
    assert learned == [["listen", "greet"], ["listen", "greet", "UserUtteranceReverted", "listen"]]
    (tested,) = dialogues([replace(story, kind="test")], Domain())
    assert shown(tested) == learned[1]


def test_a_slash_message_carries_the_entities_that_it_names() -> None:
    step = UserStep(intent="inform", text='/inform{"city": ["Rome", "Oslo"], "of_another_release": 1}')
    found = [(entity.entity, entity.value) for entity in user_message(step).parse.entities]
    assert found == [("city", "Rome"), ("city", "Oslo"), ("of_another_release", 1)]


def test_alternatives_multiply_a_story() -> None:
    found = courses("""
        stories:
        - story: either
          steps:
          - or: [{intent: greet}, {intent: 问候}]
          - action: utter_hi
          - or:
            - slot_was_set: [{city: Rome}]
            - slot_was_set: [{city: Oslo}]
          - action: utter_ok
    """)
    assert sorted((shown(each)[1], shown(each)[3]) for each in found) == [
        ("greet", "city=Oslo"), ("greet", "city=Rome"), ("问候", "city=Oslo"), ("问候", "city=Rome"),
    ]  # fmt: skip


def test_checkpoints_join_stories() -> None:
    found = courses("""
        stories:
        - story: begin
          steps:
          - intent: greet
          - action: utter_hi
          - checkpoint: asked
        - story: yes
          steps:
          - checkpoint: asked
          - intent: affirm
          - action: utter_ok
        - story: no
          steps:
          - checkpoint: asked
          - intent: deny
          - action: utter_no
    """)
    assert [(each.name, shown(each)) for each in found] == [
        ("begin > yes", ["listen", "greet", "utter_hi", "listen", "affirm", "utter_ok", "listen"]),
        ("begin > no", ["listen", "greet", "utter_hi", "listen", "deny", "utter_no", "listen"]),
    ]


def test_a_checkpoint_may_ask_for_slots_and_may_lead_round_in_a_circle() -> None:
    found = courses("""
        stories:
        - story: begin
          steps:
          - or: [{intent: greet}, {intent: inform, entities: [{city: Rome}]}]
          - action: utter_hi
          - checkpoint: again
        - story: for Rome
          steps:
          - checkpoint: again
            slot_was_set: [{city: Rome}]
          - intent: affirm
          - action: utter_ok
          - checkpoint: again
    """)
    assert sorted((each.name, shown(each).count("utter_ok"), shown(each)[-1]) for each in found) == [
        ("begin", 0, "utter_hi"),  # the way without a city ends at the checkpoint
        ("begin > for Rome", 2, "utter_ok"),  # ... and the circle is gone round once more
    ]


def test_stories_around_one_checkpoint_may_follow_each_other_in_any_number() -> None:
    def around(count: int) -> list[Dialogue]:
        stories = [Story(name="begin", steps=(UserStep(intent="greet"), CheckpointStep(name="hub")))]
        for each in range(count):
            steps = (CheckpointStep(name="hub"), UserStep(intent=f"i{each}"), CheckpointStep(name="hub"))
            stories.append(Story(name=f"s{each}", steps=steps))
        return dialogues(stories, Domain())

    # both ways round where that is little, and as many stories in a row as there are
    names = [each.name for each in around(3)]
    assert any("s0 > s1" in name for name in names)
    assert any("s1 > s0" in name or "s2 > s0" in name for name in names)
    assert max(len(each.name.split(" > ")) for each in around(10)) == 11


def test_long_stories_and_many_checkpoints_need_no_recursion() -> None:
    steps = [step for number in range(2_000) for step in (UserStep(intent="greet"), CheckpointStep(name=f"c{number}"))]
    (dialogue,) = dialogues([Story(name="long", steps=tuple(steps))], Domain())
    assert len(dialogue.events) == 4_000


def test_rules_begin_and_end_with_anything() -> None:
    data = """
        rules:
        - rule: in a form
          condition: [{active_loop: book_form}, {slot_was_set: [{vip: null}]}]
          steps: [{intent: greet}, {action: utter_hi}]
        - rule: first thing
          conversation_start: true
          steps: [{intent: greet}, {action: utter_hi}]
        - rule: go on
          wait_for_user_input: false
          steps: [{intent: deny}, {action: book_form}, {active_loop: null}]
    """
    first, start, on = courses(data)
    assert shown(first) == [
        "loop book_form", f"vip={SHOULD_NOT_BE_SET}", "...", "listen", "greet", "utter_hi", "listen"
    ]  # fmt: skip
    assert shown(start) == ["listen", "greet", "utter_hi", "listen"]
    assert shown(on) == ["...", "listen", "deny", "book_form", f"loop {SHOULD_NOT_BE_SET}", "...", "listen"]
    assert (first.is_rule, first.unpredictable, start.unpredictable) == (True, 2, None)


def test_too_many_alternatives_are_a_fault() -> None:
    step = "\n          - or: [{intent: greet}, {intent: inform}, {intent: affirm}]\n          - action: utter_hi"
    with pytest.raises(ProjectFaults, match=rf"data/data.yml:3: .*more than {MAX_SEQUENCES:,}"):
        courses(f"""
        stories:
        - story: explosion
          steps:{step * 10}
    """)
