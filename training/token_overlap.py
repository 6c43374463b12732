"""Token F1 of an answer against right ones, as SQuAD counts it (Rajpurkar et al. 2016); Chinese by character. Pure."""

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "，。、；：？！“”‘’（）《》「」—…·")
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")


def answer_tokens(text: str) -> list[str]:
    """Lower-case words without punctuation and English articles; a Chinese character is a word."""
    return _TOKEN.findall(_ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)))


def best_f1(text: str, golds: Sequence[str]) -> float:
    """F1 in [0, 1] against the right answer that is nearest; 0 where nothing is said or nothing is right."""
    return max((_f1(answer_tokens(text), answer_tokens(gold)) for gold in golds), default=0.0)


def _f1(ours: Sequence[str], theirs: Sequence[str]) -> float:
    common = (Counter(ours) & Counter(theirs)).total()
    return 2 * common / (len(ours) + len(theirs)) if common else 0.0
