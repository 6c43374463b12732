"""What was said just before a message, which it may go on from. Pure."""

from collections.abc import Iterator
from itertools import islice

from bot.dialogue.events import AgentUttered, BotUttered, Restarted, SessionStarted, UserUttered
from bot.dialogue.tracker import Tracker
from bot.ports import Said

_NO_HELP = ("utter_default", "utter_ask_rephrase", "utter_offer_person", "action_default_ask_affirmation")
"""What the bot says where it did not understand: nothing can go on from that."""
_NO_TOPIC = ("kefu_", "utter_ask_")
"""The same, and what forms ask: its words would lead the search to what the form is about."""
_NOT_TYPED = ("/", "EXTERNAL: ")
"""How a pressed button begins, and what another system told the bot."""
EARLIER = 4
"""Messages before a question that a draft may go on from."""


def said_last(tracker: Tracker) -> str:
    """The customer's message before the latest one, and what rules and stories said to it; "" where there is none.

    Answers from the knowledge are left out: they are long, and their words would find the same passage again. So are
    pressed buttons, and what was said before the session began.
    """
    words: list[str] = []
    for event in _earlier(tracker):
        text = (event.text or "").strip()
        match event:
            case UserUttered():
                words.append(text)
                break
            case BotUttered(metadata=metadata):
                name = str(metadata.get("utter_action") or "")
                if "origin" not in metadata and name not in _NO_HELP and not name.startswith(_NO_TOPIC):
                    words.append(text)
    return " ".join(reversed(words))


def said_before(tracker: Tracker, limit: int = EARLIER) -> tuple[Said, ...]:
    """The last messages of this session before the customer's latest, oldest first."""
    said = [
        Said(by_customer=isinstance(event, UserUttered), text=event.text or "")
        for event in islice(_earlier(tracker), limit)
    ]
    return tuple(reversed(said))


def _earlier(tracker: Tracker) -> Iterator[UserUttered | BotUttered | AgentUttered]:
    """What was said in this session before the customer's latest message, the last first."""
    latest_seen = False
    for event in reversed(tracker.events):
        match event:
            case UserUttered() if not latest_seen:
                latest_seen = True
            case UserUttered(text=str(text)) if text.strip() and not text.startswith(_NOT_TYPED):
                yield event
            case BotUttered(text=str(text)) | AgentUttered(text=str(text)) if latest_seen and text.strip():
                yield event
            case SessionStarted() | Restarted() if latest_seen:
                return
