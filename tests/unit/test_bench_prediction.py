"""A prediction in a conversation of 5,000 events costs at most twice what it costs in one of 50."""

from dialogue_parts import project

from bot.bench_prediction import figures
from bot.dialogue.policies.ensemble import Policies, train
from bot.dialogue.policies.prediction import Prediction
from bot.dialogue.tracker import Tracker

ASSISTANT = project(
    config="""
        language: en
        policies: [{name: RulePolicy}, {name: AugmentedMemoizationPolicy}]
        """,
    domain="""
        version: "3.1"
        intents: [greet, bye, order, inform, aside, affirm]
        entities: [city]
        slots:
          city: {type: text, mappings: [{type: from_entity, entity: city}]}
        forms: {book_form: {required_slots: [city]}}
        responses:
          utter_greet: [{text: hi}]
          utter_bye: [{text: bye}]
          utter_ask_city: [{text: where?}]
          utter_aside: [{text: aside}]
          utter_done: [{text: done}]
        """,
    data="""
        version: "3.1"
        rules:
        - rule: bye
          steps: [{intent: bye}, {action: utter_bye}]
        - rule: begin
          steps: [{intent: order}, {action: book_form}, {active_loop: book_form}]
        stories:
        - story: booked
          steps:
          - intent: greet
          - action: utter_greet
          - intent: order
          - action: book_form
          - active_loop: book_form
          - intent: aside
          - action: utter_aside
          - action: book_form
          - active_loop: null
          - action: utter_done
        - story: welcome
          steps:
          - intent: greet
          - action: utter_greet
          - intent: affirm
          - slot_was_set: [{city: Rome}]
          - action: utter_done
        """,
)


class Linear(Policies):
    """Looks at every event of the conversation, as no policy may."""

    def predict(self, tracker: Tracker) -> Prediction:
        for event in tracker.applied_events:
            assert event
        return super().predict(tracker)


def test_a_long_conversation_costs_no_more() -> None:
    policies = train(ASSISTANT)
    found = figures(ASSISTANT, policies)
    assert 0 < found["prediction_50_events_ms"] < 100
    assert found["prediction_long_to_short"] <= 2, found
    assert figures(ASSISTANT, Linear(domain=ASSISTANT.domain))["prediction_long_to_short"] > 2  # it would be seen
