"""Whether passages carry a sentence, and if not, why. Deterministic and explained; knows no models.

One statement of a passage (a sentence or what stands between semicolons, with its title) must carry the whole sentence:
every content word, every number with what it counts and what it belongs to, every name and link, the same negation and
no condition left out. This refuses some fair paraphrase, so that nothing invented is sent.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from retrieval.amounts import halved, misplaced, same_number
from retrieval.conditions import unconditional
from retrieval.framing import framed
from retrieval.labels import unlimited
from retrieval.moods import altered
from retrieval.orders import order_in
from retrieval.pairs import crossed, other_heads
from retrieval.sides import turned
from retrieval.splices import VERB, freed, spliced
from retrieval.statements import Token, clauses, content, is_item, plain, tokens
from retrieval.tenses import moved
from retrieval.told import SEMICOLON, Statement, answer_of, held, stands, statements_of
from retrieval.vocabulary import SOFT

BORROWED_SHARE = 0.34
"""How much of a sentence's content may come from the title and the statement before, where "it" refers to it."""

ORDER_SHARE = 0.5
"""How much of a sentence's content must stand in the same order as in the statement."""

_OWN_VOICE = re.compile(
    r"\b(?:I|I'm|I'll|I've|I'd|myself)\b|\b[Mm]y\b(?:\s+\w+)?|\bas an? (?:AI|assistant|language model)\b"
    r"|我的[\u3400-\u9fff]{0,2}|我(?!们)|(?<![您你])本人|作为(?:一个|一名)?(?:AI|人工智能|助手|语言模型)"
)
_OWNED = re.compile(r"[Mm]y\s+\w+|我的.+")
"""Names of buttons and pages ("My orders") that a sentence may have from the page that it stands on."""

_META = re.compile(
    r"\b(?:the|this|these|provided|given|above)\s+(?:\w+\s+)?"
    r"(?:passages?|texts?|contexts?|excerpts?|documents?|questions?)\b"
    r"|\baccording to the\b.{0,20}\b(?:passage|text|information)\b"
    r"|\b(?:is|are|does|do) not (?:mention|provide|specif|state|say)"
    r"|文章|文本|上文|上述(?:内容|文本)|段落|原文|文中"
    r"|(?:没有|并未|未)(?:提及|提到|说明|给出|提供)(?:相关|任何)?(?:信息|内容)?",
    re.IGNORECASE,
)
"""Words about sources, which a page may have too: "upload the required documents"."""

_PROMPT = re.compile(
    r"\b(?:ignore|disregard)\b.{0,30}\binstructions?\b|system prompt|提示词|系统提示",
    re.IGNORECASE,
)
_BY_PRONOUN = re.compile(
    r"\b(?:is|are|was|were|be) (?:you|me|us|them|him|her|it|they|we)[.!]?$|是(?:[你您我他她它]们?|大家)[。！]?$",
    re.IGNORECASE,
)
"""A statement made of words that need not stand in a passage: "the person who uses it is you"."""

SAYS_NOTHING = "says nothing that a passage could carry"
"""The reason where a sentence is no more than "Yes.", "Sure, please do", the number of an item or a heading."""

_BARE = re.compile(r"\W*\d{1,2}[.)、]\W*|\s*#.*")

_INVISIBLE = re.compile(r"[\ufe00-\ufe0e\U000e0100-\U000e01ef\u034f\u115f\u1160\u3164\uffa0]")
"""Characters that show nothing and are no format characters by Unicode's categories. U+FE0F makes emoji of signs."""

_MAY = re.compile(
    r"\b(?:gets?|receives?|enjoys?|pays?|can|(?-i:may)|must|has|have)\b|可以?|能够?|享受?|获得|获赠", re.IGNORECASE
)
"""What follows who gets or may do something."""

_PRONOUN = re.compile(r"\W*(it|they|this|these|those|[它这那](?=[是可需将会能]))(?![a-z])", re.IGNORECASE)

_OF = re.compile(r"^\W*(for|of|to|in|from|with|at|on)\b", re.IGNORECASE)
"""What binds the words after it to those before."""

_WHICH = re.compile(r"^\W*(?:with|without|who|that|whose)\b", re.IGNORECASE)
"""What tells those for whom something is free from others."""

_LISTED = re.compile(r"[,;:]|\b(?:and|or)\b", re.IGNORECASE)
_ANEW = re.compile(r"\b(?:and|or)\s*$", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:is|are|was|were|be|been|being)\b|[被由]", re.IGNORECASE)
_PERHAPS = re.compile(r"\bmay\b")
"""May be so, or is allowed: in both cases "will" says more. Not the month."""
_PERMITTED = re.compile(r"\b(?:may|might|can|could)\b")

_NAMING = ("word", "code")

_UNSEEN = ("Cf", "Cc", "Cs", "Co", "Cn")
"""Unicode's categories of what shows nothing, or what no reader can know."""

_QUOTED = re.compile(r"“[^”]+”|\"[^\"]+\"|「[^」]+」|《[^》]+》|【[^】]+】")


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The verdict on a sentence, the passages that carry it, and what speaks against it."""

    supported: bool
    passage_ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def check(sentence: str, passages: Sequence[tuple[str, str, str]]) -> Support:
    """Hold a sentence against passages (id, title, text). ``reasons`` are those of the nearest statement.

    A passage that gives orders to the model carries nothing.
    """
    if reason := _no_statement(sentence):
        return Support(supported=False, reasons=(reason,))
    passages = [passage for passage in passages if not order_in(f"{passage[1]}\n{passage[2]}")]
    lines = [(part, line) for part in SEMICOLON.split(sentence) if content(line := tokens(part))]
    if not lines or _BARE.fullmatch(sentence):
        return Support(supported=False, reasons=(SAYS_NOTHING,))
    verdicts = {number: _verdict(sentence, lines, title, text) for number, title, text in passages}
    if carriers := tuple(number for number, reasons in verdicts.items() if not reasons):
        return Support(supported=True, passage_ids=carriers)
    reasons = sorted(verdicts.values(), key=len)
    return Support(supported=False, reasons=reasons[0] if reasons else ("there are no passages",))


def _verdict(sentence: str, lines: Sequence[tuple[str, tuple[Token, ...]]], title: str, text: str) -> tuple[str, ...]:
    """Why a passage does not carry the parts of a sentence; empty if it does."""
    if reason := _own_words(sentence, text):
        return (reason,)
    if _is_quoted(sentence, text):
        return ()
    statements = list(statements_of(title, text))
    answer = answer_of(sentence)
    if answer and (not statements or statements[0].answer != answer):
        return (f"answers {answer!r}",)
    reasons: list[str] = []
    for part, line in lines:
        objections = [list(_objections(part, line, statement)) for statement in statements]
        nearest: list[str] = min(objections, key=len) if objections else ["the passage is empty"]
        reasons += nearest
    return tuple(reasons)


def _no_statement(sentence: str) -> str:
    """Why no page could carry a sentence; empty if one could."""
    if any(unicodedata.category(character) in _UNSEEN for character in sentence.strip()) or _INVISIBLE.search(sentence):
        return "holds invisible characters"
    if sentence.rstrip().endswith(("?", "？")):
        return "asks instead of answering"
    if found := _BY_PRONOUN.search(sentence):
        return f"names somebody by a pronoun alone: {found.group()!r}"
    if found := _PROMPT.search(sentence):
        return f"speaks about its instructions: {found.group()!r}"
    return ""


def _own_words(sentence: str, text: str) -> str:
    """Why a sentence is the model's own and no page's; what stands in the passage ("Upload the document") is not."""
    told = _plain(text)
    sentence = _QUOTED.sub(lambda label: "" if _plain(label.group()) in told else label.group(), sentence)
    for found in _OWN_VOICE.finditer(sentence):
        if not (_OWNED.fullmatch(found.group()) and _plain(found.group()) in told):
            return f"speaks in its own voice: {found.group()!r}"
    for found in _META.finditer(sentence):
        if _plain(found.group()) not in told:
            return f"speaks about its sources: {found.group()!r}"
    return ""


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_quoted(sentence: str, text: str) -> bool:
    wanted = " ".join(sentence.split())
    return any(" ".join(other.split()) == wanted for other in held(text)) and not is_item(sentence)


def _objections(part: str, line: Sequence[Token], statement: Statement) -> Iterator[str]:
    """Why a statement does not carry a part of a sentence; nothing if it does. Cheap and telling reasons first."""
    told = content(line)
    borrowed: list[Token] = []
    near = 0
    for token in told:
        if token.kind == "number":
            if not any(same_number(token, other) for other in statement.line):
                yield f"the number {token.shown} does not stand there"
        elif not stands(token, statement.line, statement.text):
            from_title = token.kind in _NAMING and statement.title.holds(token)
            if not from_title and not (token.kind in _NAMING and statement.before.holds(token)):
                yield f"{token.shown!r} does not stand there"
            elif from_title and statement.denied:
                yield "the answer there is no"
            borrowed.append(token)
            near += not (from_title and statement.asked)
    if near > BORROWED_SHARE * len(told) or len(borrowed) == len(told):
        yield f"{borrowed[0].shown!r} stands only near it"
    if absent := next((token for token in statement.needed if not stands(token, line, part)), None):
        yield f"leaves out {absent.shown!r}, which the row is about"
    yield from _order(line, part, statement, {token.value for token in borrowed})
    yield from _modifier(line, statement)
    yield from _subject(line, part, statement)
    yield from _narrowed(line, part, statement)
    yield from spliced(line, part, statement.line, statement.text)
    yield from freed(line, statement.line)
    yield from misplaced(line, part, statement.line, statement.text)
    yield from halved(line, statement.line, statement.text)
    yield from _polarity(line, statement)
    yield from unconditional(line, statement.line)
    yield from turned(line, part, statement.line, statement.text)
    yield from crossed(line, statement.text)
    yield from framed(line, part, statement.text)
    yield from altered(line, part, statement.text)
    yield from moved(line, part, statement.text)
    yield from unlimited(line, statement.line, statement.text)


def _order(line: Sequence[Token], part: str, statement: Statement, borrowed: set[str]) -> Iterator[str]:
    """The sentence's words in another order, or a word in the place of another."""
    told = content(line)
    ours = [token.value for token in told]
    theirs = [token.value for token in content(statement.line)]
    steps = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    once = [value for value in ours if ours.count(value) == theirs.count(value) == 1]
    same_voice = bool(_PASSIVE.search(plain(part))) == bool(_PASSIVE.search(plain(statement.text)))
    if same_voice and _in_order(once[::-1], theirs) > 2:  # "each transfer approves a doctor"
        yield "says it the other way round"
    if _in_order(ours, theirs) < ORDER_SHARE * len(ours) - len(borrowed):
        yield "says it in another order"
    for tag, start, end, their_start, _ in steps:
        swapped = borrowed & set(ours[start:end])
        if tag == "replace" and swapped:
            yield f"{min(swapped)!r} stands in the place of {theirs[their_start]!r}"
    for at, token in enumerate(told):
        if token.value not in ("before", "after") or token.value not in theirs:
            continue
        places = [place for place, word in enumerate(theirs) if word == token.value]
        if token.shown.isascii():
            beside = ours[at + 1 : at + 2]
            near = {word for place in places for word in theirs[place + 1 : place + 4]}
        else:  # stands behind what it is about
            beside = ours[max(0, at - 1) : at]
            near = {word for place in places for word in theirs[max(0, place - 3) : place]}
        if beside and beside[0] not in near:
            yield f"another thing comes {token.value}"


def _in_order(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many words stand in both in the same order: the longest common subsequence."""
    longest = [0] * (len(theirs) + 1)
    for word in ours:
        above = 0
        for at, other in enumerate(theirs, 1):
            above, longest[at] = longest[at], above + 1 if word == other else max(longest[at], longest[at - 1])
    return longest[-1]


def _modifier(line: Sequence[Token], statement: Statement) -> Iterator[str]:
    """A word left out before the subject: "sale items" are not all items."""
    first = next((token for token in line if token.kind == "word" and token.value not in SOFT), None)
    places = [at for at, token in enumerate(statement.line) if first is not None and token.value == first.value]
    if first is None or not places or statement.title.holds(first):
        return
    values = {token.value for token in line}
    for at in places:
        word = statement.line[at - 1] if at else None
        if word is None or word.kind not in ("word", "code") or not statement.line[at].follows(word):
            return
        if word.value in values or word.value in SOFT:
            return
    yield f"leaves out {statement.line[places[0] - 1].shown!r}"


def _subject(line: Sequence[Token], part: str, statement: Statement) -> Iterator[str]:
    """Who gets or may do something, or what "it" is, left out: what "members get" is not for everybody."""
    pronoun = _PRONOUN.match(part)
    if pronoun and not re.search(rf"(?<![a-z]){pronoun[1]}(?![a-z])", statement.text, re.IGNORECASE):
        yield f"does not say what {pronoun[1]!r} is"
    if other_heads(statement.text) & {token.value for token in line}:
        return
    subjects: list[list[Token]] = []
    for verb in _MAY.finditer(plain(statement.text)):
        before = [token for token in statement.line if token.place < verb.start()]
        subjects.append(content(clauses(before)[-1]) if before and before[-1].kind != "comma" else [])
    if subjects and all(subjects) and not any(stands(token, line, "") for subject in subjects for token in subject):
        yield f"leaves out {subjects[0][0].shown!r}"


def _narrowed(line: Sequence[Token], part: str, statement: Statement) -> Iterator[str]:
    """What the subject, or "free", is said of left out ("items marked final sale", "free for members"), or "may"."""
    text = plain(statement.text)
    end = next((token.place for token in statement.line if token.kind == "comma"), len(text))
    verb = VERB.search(text, 0, end)
    if verb and _ANEW.search(text, 0, verb.start()):  # "costs £30 and is free": the first verb is another
        verb = None
    ours = {(word.value, way) for word, _, gap in _gaps(line, plain(part)) if (way := _way(gap))}
    free_for: Token | None = None
    for at, (word, following, gap) in enumerate(_gaps(statement.line, text)):
        bound = (at == 0 or word.kind == "free") and (way := _way(gap)) and (word.value, way) not in ours
        if word is free_for and _WHICH.search(gap):
            bound = True
        if word.kind == "free" and _way(gap) in ("for", "to"):
            free_for = following
        subject = verb is not None and following.place < verb.start() and not _LISTED.search(gap)
        if (bound or subject) and stands(word, line, part) and not stands(following, line, part):
            yield f"leaves out {following.shown!r}"
    may = _PERHAPS.search(text)
    behind = [token for token in content(statement.line) if may and token.place > may.start()]
    if may and not _PERMITTED.search(part) and any(stands(token, line, part) for token in behind):
        yield "leaves out 'may'"


def _gaps(line: Sequence[Token], text: str) -> Iterator[tuple[Token, Token, str]]:
    for word, following in pairwise(content(line)):
        yield word, following, text[word.place + len(word.shown) : following.place]


def _way(gap: str) -> str:
    found = _OF.search(gap)
    return found[1].lower() if found else ""


def _polarity(line: Sequence[Token], statement: Statement) -> Iterator[str]:
    theirs = clauses(statement.line)
    if len(theirs) > 1 and theirs[0] and all(token.kind == "negation" for token in theirs[0]):
        theirs = theirs[1:]  # "No, ..." denies what the question asked
    for clause in clauses(line):
        values = {token.value for token in content(clause)}
        if not values or not theirs:
            continue
        overlap = [len(values & {token.value for token in other}) for other in theirs]
        matching = [other for other, count in zip(theirs, overlap, strict=True) if count == max(overlap)]
        if not any(_denials(clause) == _denials(other) for other in matching):
            yield "one denies what the other says"
        elif not _denials(clause) and (denied := _only_denied(values, theirs)):
            yield f"{denied!r} is denied there"


def _only_denied(values: set[str], theirs: Sequence[Sequence[Token]]) -> str:
    """A word that stands in clauses with a negation only, while others have none; empty if there is none."""
    affirmed = {token.value for clause in theirs if not _denials(clause) for token in clause}
    denied = {token.value for clause in theirs if _denials(clause) for token in content(clause)}
    return min(values & denied - affirmed, default="") if affirmed else ""


def _denials(line: Sequence[Token]) -> int:
    """0 for what is said, 1 for what is denied, 2 for "not prohibited"; "neither ... nor" denies once."""
    return len({token.value for token in line if token.kind == "negation"})
