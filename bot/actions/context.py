"""What was said just before a message, which it may go on from. Pure."""

from bot.dialogue.events import BotUttered, Restarted, SessionStarted, UserUttered
from bot.dialogue.tracker import Tracker

_NO_HELP = ("utter_default", "utter_ask_rephrase", "utter_offer_person", "action_default_ask_affirmation")
"""What the bot says where it did not understand: nothing can go on from that."""
_NO_TOPIC = ("kefu_", "utter_ask_")
"""The same, and what forms ask: its words would lead the search to what the form is about."""


def said_last(tracker: Tracker) -> str:
    """The customer's message before the latest one, and what rules and stories said to it; "" where there is none.

    Answers from the knowledge are left out: they are long, and their words would find the same passage again. So are
    pressed buttons, and what was said before the session began.
    """
    words: list[str] = []
    latest_seen = False
    for event in reversed(tracker.events):
        match event:
            case UserUttered() if not latest_seen:
                latest_seen = True
            case UserUttered(text=str(text)) if text.strip() and not text.startswith(("/", "EXTERNAL: ")):
                words.append(text.strip())
                break
            case BotUttered(text=str(text), metadata=metadata) if latest_seen and text.strip():
                name = str(metadata.get("utter_action") or "")
                if "origin" not in metadata and name not in _NO_HELP and not name.startswith(_NO_TOPIC):
                    words.append(text.strip())
            case SessionStarted() | Restarted():
                break
    return " ".join(reversed(words))
