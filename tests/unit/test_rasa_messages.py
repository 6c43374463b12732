"""Replies as Rasa's REST clients expect them."""

import pytest

from bot.channels.rasa_messages import rasa_messages
from bot.messages import Button, Reply, Source

YES, NO = Button(title="Yes", payload="/affirm"), Button(title="No", payload="/deny")

GOLDEN = [
    # plain text
    ({"text": "Hello"}, [{"text": "Hello"}]),
    # blank lines part messages, a single line break does not
    ({"text": "One\nline\n\nTwo\n \n\nThree\n"}, [{"text": "One\nline"}, {"text": "Two"}, {"text": "Three"}]),
    # Chinese
    ({"text": "您好\n\n请问有什么可以帮您？"}, [{"text": "您好"}, {"text": "请问有什么可以帮您？"}]),
    # a code block stays in one piece
    ({"text": "Run\n\n```\na\n\nb\n```\n\nDone"}, [{"text": "Run"}, {"text": "```\na\n\nb\n```"}, {"text": "Done"}]),
    # buttons stand at the last part
    (
        {"text": "A\n\nB", "buttons": (YES, NO)},
        [
            {"text": "A"},
            {
                "text": "B",
                "buttons": [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}],
            },
        ],
    ),
    # quick replies are buttons too
    ({"text": "A", "quick_replies": (YES,)}, [{"text": "A", "buttons": [{"title": "Yes", "payload": "/affirm"}]}]),
    # buttons alone
    ({"buttons": (NO,)}, [{"buttons": [{"title": "No", "payload": "/deny"}]}]),
    # picture, attachment and custom JSON are messages of their own
    (
        {"text": "A", "image": "https://e/x.png", "attachment": {"type": "file"}, "custom": {"k": [1]}},
        [{"text": "A"}, {"image": "https://e/x.png"}, {"attachment": {"type": "file"}}, {"custom": {"k": [1]}}],
    ),
    # cards become text
    ({"elements": ({"title": "T", "subtitle": "S"},)}, [{"text": "T : S"}]),
    # sources are a key of ours
    (
        {"text": "A", "sources": (Source(title="Returns", document="returns.md", url="https://e/r"),)},
        [{"text": "A", "sources": [{"title": "Returns", "document": "returns.md", "url": "https://e/r"}]}],
    ),
    # nothing to show
    ({}, []),
    ({"text": "  \n\n "}, []),
]


@pytest.mark.parametrize(("fields", "expected"), GOLDEN)
def test_golden(fields, expected):
    messages = rasa_messages("ann", [Reply(id="ann/1/0", **fields)])
    assert messages == [{"recipient_id": "ann", **message} for message in expected]


def test_replies_keep_their_order():
    replies = [Reply(id="a/1/0", text="1"), Reply(id="a/1/1", image="u"), Reply(id="a/1/2", text="2")]
    assert [message.get("text", "image") for message in rasa_messages("a", replies)] == ["1", "image", "2"]
