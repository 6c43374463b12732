"""What a page tells without saying it: myths, rumours, what others claim, what it takes back. Pure."""

import functools
import re
from collections.abc import Iterator, Sequence

from retrieval.statements import Token, plain, tokens
from retrieval.vocabulary import UNTRUE, UNTRUE_CHINESE

_UNTRUE = rf"(?:not (?:true|the case)\b|{UNTRUE})"
_UNTRUE_CHINESE = rf"(?:{UNTRUE_CHINESE}|并非如此|其实不[然会是])"
_TELLERS = (
    r"(?:people|customers|users|visitors|patients|scammers|fraudsters|criminals|callers|someone|somebody|anyone"
    r"|(?:fake|false|fraudulent|bogus|phishing|scam) \w+|(?:an?|any) \w+(?= (?:tell|say|claim|promise)s?\b))"
)
_TELL = r"(?:thinks?|thought|believes?d?|claims?|assumes?|says?|said|tells?|told|suggests?|pretends?|states?|promises?)"

_DENIED = (
    re.compile(rf"\bit(?:'s| is| was) (?:simply |just |only )?{_UNTRUE} that\b", re.IGNORECASE),
    re.compile(r"\bcontrary to\b|与(?=[^，]{1,12}相反)", re.IGNORECASE),
    re.compile(
        r"\b(?:myths?|misconceptions?|rumou?rs?|fiction)\b[^.:]{0,40}(?::|\s[-*•·]\s|\s\d{1,2}[.)]\s)"
        r"|(?:误区|谣言|误解|错误(?:做法|观点|说法))[^。：:]{0,12}(?:[:：]|[-*•·]\s|\d{1,2}[.)、])",
        re.IGNORECASE,
    ),
)
"""What follows is denied."""

_DENIED_BEFORE = re.compile(
    rf"\b(?:is|are|was|were) (?:simply |just |only )?{_UNTRUE}(?! that\b)|{_UNTRUE_CHINESE}", re.IGNORECASE
)
"""What comes before is denied."""

_OPEN = re.compile(r"\b(?:if|when|whether)\b|如果|若|是否", re.IGNORECASE)
"""Before what may be untrue, and may not."""

_CLAIMED = re.compile(
    rf"\bbeware of\b|\b(?:some|many|most|others|{_TELLERS})(?: {_TELLERS})?"
    rf"(?:,? (?:\w+ly|often|may|might|will|still|who))*,? {_TELL}\b"
    r"|\bit (?:is|was) (?:\w+ )?(?:believed|thought|claimed|said|assumed) that\b"
    r"|\b(?:ideas?|claims?|beliefs?|notions?|rumou?rs?|reports?|theor(?:y|ies)|assumptions?) that\b"
    r"|\b(?:mistake is|error is|wrong|incorrect) to (?:think|believe|assume)\b|\b(?:allegedly|supposedly)\b"
    r"|\byou (?:may|might) (?:have|be) (?:heard|read|seen|told|been told)\b|\brumou?r has it\b"
    r"|(?:有人|有些人|很多人|许多人|不少人|大家|骗子|[^，。]{0,4}分子)[^，。]{0,4}(?:说|以为|认为|声称|称|告诉)"
    r"|误以为|误认为|网传|谣传|据说|传言(?!相反)|谨防|警惕|当心|冒充|自称|谎称|声称",
    re.IGNORECASE,
)
"""What follows is told of others, true or not."""

_TURN = re.compile(
    r"[,;，；]\s*(?:but|however|yet|in fact|actually|in reality|但|其实|事实上?|实际上|然而)|[;；]", re.IGNORECASE
)
_BREAK = re.compile(r"[,，]")
_BACK = re.compile(
    r"\W*(?:but |in fact,? |actually,? )?(?:none of (?:this|it) is true"
    rf"|(?:this|that|it|which|these|all of this) (?:is|are|was|were) (?:simply |just |only )?(?:{_UNTRUE}|wrong))\b"
    rf"|\W*(?:但|其实|事实上?|实际上?|，)*(?:这|那|此|以上|上述)?[\u3400-\u9fff]{{0,4}}?{_UNTRUE_CHINESE}",
    re.IGNORECASE,
)


def takes_back(sentence: str) -> bool:
    """Whether a sentence denies the one before it: "This is not true."."""
    return _BACK.match(sentence) is not None


def framed(line: Sequence[Token], text: str, their_text: str) -> Iterator[str]:
    """What the sentence says and the statement only tells of: a myth, or what others believe."""
    text = plain(text)
    claimed, denied = _frames(their_text)
    if claimed and _CLAIMED.search(text):
        claimed = ()
    if denied and (any(token.kind == "negation" for token in line) or any(frame.search(text) for frame in _DENIED)):
        denied = ()
    if not claimed and not denied:
        return
    inside, outside = set[str](), set[str]()
    for token in tokens(their_text):
        within = any(begin <= token.place < end for begin, end in (*claimed, *denied))
        if token.kind in ("word", "code", "number", "free"):
            (inside if within else outside).add(token.value)
    if only := next((token for token in line if token.value in inside - outside), None):
        yield f"{only.shown!r} is told there, not said"


@functools.lru_cache(maxsize=2048)  # each sentence of a draft is held against the same passages
def _frames(text: str) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Where a statement tells what others claim, and where what it denies."""
    text = plain(text)
    before = ((0, found.start()) for found in _DENIED_BEFORE.finditer(text) if not _OPEN.search(text, 0, found.start()))
    denied = (*_spans(text, _DENIED), *before)
    claimed = (span for span in _spans(text, (_CLAIMED,)) if not any(begin <= span[0] <= end for begin, end in denied))
    return tuple(claimed), denied


def _spans(text: str, frames: Sequence[re.Pattern[str]]) -> Iterator[tuple[int, int]]:
    """Where what stands in a frame begins and ends: "contrary to" ends at a comma, others where the text turns."""
    for frame in frames:
        for found in frame.finditer(text):
            ends = _BREAK if found.group().lower() in ("contrary to", "与") else _TURN
            end = ends.search(text, found.end())
            yield found.end(), end.start() if end else len(text)
