"""Orders to the model in a text that should only inform customers. Pure; a list of telling phrases, no model.

A page that speaks to whatever reads it out ("ignore all previous instructions", "dear AI assistant", a chat
template's marks) was planted or is no page for customers. Nothing of such a passage is trusted.
"""

import functools
import re
from dataclasses import replace

from retrieval.documents import Document, FaqEntry, Fault, Section

_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b\W+(?:\w+\W+){0,2}?"
    r"(?:your|previous|prior|earlier|preceding|former)\b\W+(?:\w+\W+){0,2}?(?:instructions?|prompts?|rules|guidelines)\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:all|any|everything)\b\W+(?:\w+\W+){0,3}?(?:instructions?|prompts?|told)\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:all|everything|the\s+text|the)?\s*above\s+and\b"
    r"|\byour (?:new|system|hidden|real) (?:instructions?|prompts?)\s*(?:are\b|is\b|:)|\bsystem prompt\s*:"
    r"|^\W*(?:system|developer)\s*:\s*(?:you|the (?:ai|bot|chat\s?bot|assistant)|ignore|always|never|from now on|say)\b"
    r"|\b(?:dear|hey|hello|note to|attention)\b[\s,]+(?:the\s+)?(?:ai|llm|language model|chat\s?bot)\b"
    r"|\b(?:if|as) (?:you are |you're )?an? (?:ai|llm|(?:large )?language model|chat\s?bot|ai assistant)\s*[,:]"
    r"|(?<!if )\byou are (?:now )?an? (?:\w+ )?(?:ai|assistant|chat\s?bot|language model)\s*[.,:;]"
    r"|\b(?:the|this|our) (?:ai|bot|chat\s?bot|assistant|model) (?:must|should|shall|has to) (?:always |never |not )?"
    r"(?:(?:say|claim|reply|answer|respond)(?:\s+(?:that|with)\b|\s*[:\"“])|(?:offer|promise|recommend)\b)"
    r"|\bdo not (?:tell|inform|mention to) the user\b"
    r"|^\W*#+\s*(?:instruction|system)s?\s*:|<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|</?(?:system|instructions?)>"
    r"|(?:忽略|无视|忘记|忘掉|不要理会)[^，。；\n]{0,8}(?:指令|指示|提示词|设定)"
    r"|(?:忽略|无视|忘记|忘掉|不要理会)(?:之前|以上|上述|上面|前面|你)[^，。；\n]{0,6}(?:规则|要求|内容)"
    r"|系统(?:提示词|指令)\s*[:：]"
    r"|(?<!如果)(?<!若)你(?:现在)?是一[个名][^，。；\n]{0,6}(?:人工智能|AI|助手|机器人|语言模型)"
    r"|作为(?:一个|一名)?(?:AI|人工智能|语言模型|机器人)[^。\n]{0,4}你"
    r"|(?:请|让|要求)(?:AI|人工智能|机器人|助手|模型)(?:回复|回答|说|声称)|(?:不要|不得|别|请勿)告诉用户",
    re.IGNORECASE | re.MULTILINE,
)


@functools.lru_cache(maxsize=1024)  # each sentence of a draft is held against the same passages
def order_in(text: str) -> str:
    """The first words in a text that give orders to the model; empty where there are none."""
    found = _ORDER.search(text)
    return found.group().strip() if found else ""


def without_orders(document: Document) -> tuple[Document, tuple[Fault, ...]]:
    """A document without the sections and FAQ entries that give orders to the model, and a fault for each of those."""
    parts: tuple[Section | FaqEntry, ...] = (*document.sections, *document.entries)
    ordering = [(part, found) for part in parts if (found := order_in(_text(part)))]
    if not ordering:
        return document, ()
    left_out = [part for part, _ in ordering]
    faults = tuple(
        Fault(
            path=document.path,
            line=0,
            problem=f"speaks to the bot instead of to customers, so this part is left out: {found!r}",
            remedy="take that out, if the page is your own; if not, find out who wrote it",
        )
        for _, found in ordering
    )
    sections = tuple(section for section in document.sections if section not in left_out)
    entries = tuple(entry for entry in document.entries if entry not in left_out)
    return replace(document, sections=sections, entries=entries), faults


def _text(part: Section | FaqEntry) -> str:
    if isinstance(part, FaqEntry):
        return "\n".join((part.question, part.answer, *part.paraphrases))
    return "\n".join((*part.headings, *(block.text for block in part.blocks)))
