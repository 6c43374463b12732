"""From a message as servers and domains write it to an event, and to the reply a channel shows."""

from bot.actions.utterance import reply_of, utterance
from bot.dialogue.events import AgentUttered
from bot.messages import Button, Source


def test_a_message_becomes_an_event_and_a_reply():
    event = utterance(
        {
            "text": "Hi",
            "buttons": [
                {"title": "Yes", "payload": "/affirm"},
                {"title": "Site", "url": "https://x.example", "type": "web_url"},
                {"title": "Plain"},
                {"payload": "/no_title"},
                "no button",
            ],
            "image": "a.png",
            "custom": {},
            "utter_action": "utter_hi",
            "sources": [{"title": "FAQ", "document": "faq.yml", "url": None}],
            "rateable": True,
        }
    )
    assert event.data.keys() == {"elements", "quick_replies", "buttons", "attachment", "image", "custom"}
    assert (event.data["attachment"], event.metadata["utter_action"]) == ("a.png", "utter_hi")  # as in Rasa
    reply = reply_of(event, "c/1/0")
    assert reply.buttons == (
        Button(title="Yes", payload="/affirm"),
        Button(title="Site", payload="https://x.example"),
        Button(title="Plain", payload="Plain"),
    )
    assert (reply.image, reply.attachment, reply.custom) == ("a.png", None, None)
    assert reply.sources == (Source(title="FAQ", document="faq.yml"),)
    assert reply.rateable


def test_an_attachment_of_its_own_is_kept():
    reply = reply_of(utterance({"attachment": {"type": "video"}, "image": "a.png"}), "c/1/0")
    assert (reply.attachment, reply.image, reply.text) == ({"type": "video"}, "a.png", None)


def test_a_person_is_named_as_such():
    assert reply_of(AgentUttered(text="您好"), "c/2/0").author == "agent"
