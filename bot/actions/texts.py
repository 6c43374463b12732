"""What the bot says where the assistant has no response of its own: English and Chinese."""

from typing import Literal

Phrase = Literal[
    "failed",
    "not_understood",
    "rephrase",
    "affirm",
    "yes",
    "no",
    "offer_person",
    "person",
    "handoff",
    "back_to_bot",
    "resumed",
    "may_help",
    "which",
    "this_one",
]

_EN: dict[Phrase, str] = {
    "failed": "Sorry, something went wrong on our side. Please try again in a moment.",
    "not_understood": "Sorry, I did not understand that.",
    "rephrase": "Could you say that in other words?",
    "affirm": "Did you mean '{}'?",
    "yes": "Yes",
    "no": "No",
    "offer_person": "I'm not sure I can answer that. Would you like to talk to a person?",
    "person": "Talk to a person",
    "handoff": "I have asked a colleague to take over. They will answer here as soon as they can.",
    "back_to_bot": "Back to the assistant",
    "resumed": "You are talking to the assistant again. How can I help?",
    "may_help": "This may help:",
    "which": "Which of these do you mean?",
    "this_one": "Is this what you mean?",
}
_ZH: dict[Phrase, str] = {
    "failed": "抱歉，我们这边出了点问题，请稍后再试。",
    "not_understood": "抱歉，我没有听懂。",
    "rephrase": "可以换个说法再说一遍吗？",
    "affirm": "您的意思是“{}”吗？",
    "yes": "是",
    "no": "不是",
    "offer_person": "这个问题我不太确定。需要为您转接人工客服吗？",
    "person": "转人工客服",
    "handoff": "已为您转接人工客服，客服人员会尽快在这里回复您。",
    "back_to_bot": "返回智能助手",
    "resumed": "您已回到智能助手。请问有什么可以帮您？",
    "may_help": "以下内容可能对您有帮助：",
    "which": "您想问的是下面哪一个？",
    "this_one": "您想问的是这个吗？",
}


def phrase(name: Phrase, language: str) -> str:
    """The phrase in the assistant's language (``zh`` with any region); every other language gets English."""
    texts = _ZH if language.lower().startswith("zh") else _EN
    return texts[name]
