"""Conditions, exceptions and limits that a sentence leaves out or puts in: "only", "up to", "after dispatch". Pure."""

from collections.abc import Iterator, Sequence

from retrieval.statements import Token, clauses, content
from retrieval.vocabulary import EXCEPTED, HOLDING, MEASURES, SHARES, TIMES


def unconditional(line: Sequence[Token], statement: Sequence[Token]) -> Iterator[str]:
    """A condition that one of both leaves out."""
    ours, theirs = _condition_values(line), _condition_values(statement)
    for value in ours - theirs:
        yield f"{value!r} limits only the sentence"
    values = _values(line)
    parts = clauses(statement)
    limited = [_values(clause) for clause in parts if any(token.value == "only" for token in clause)]
    elsewhere = values & _values(statement) - set().union(*limited)
    if "only" in ours and limited and elsewhere and not any(clause <= values for clause in limited):
        yield "'only' limits another thing there"
    most = max(len(values & _values(clause)) for clause in parts) if parts else 0
    for clause in parts:
        shared = len(values & _values(clause))
        if not shared:
            continue
        for token in clause:
            absent = token.value not in ours if token.kind == "condition" else (token.kind, token.value) not in values
            near = shared == most  # else it is said of another thing
            holding = SHARES | (TIMES if near else set()) if token.kind == "word" else HOLDING if near else set()
            if absent and token.value in holding:
                yield f"leaves out {token.shown!r}"
    for place, clause in enumerate(parts):
        before = parts[place - 1] if place else []
        following = parts[place + 1] if place + 1 < len(parts) else before
        for limit, rest in _limited(clause, before, following):
            asked = _values(limit)
            kept = _condition_values(limit) <= ours and (not asked or bool(asked & values))
            yield from _excepted(limit, ours, values)
            if _values(rest) & values - asked and not kept:
                yield f"leaves out a condition: {' '.join(token.shown for token in limit)}"


def _excepted(limit: Sequence[Token], ours: set[str], values: set[tuple[str, str]]) -> Iterator[str]:
    """What a statement excepts, said of in a sentence without the exception."""
    if "unless" in ours or not any(token.value == "unless" for token in limit):
        return
    excepted = content(limit)
    if excepted and (excepted[0].kind, excepted[0].value) in values:
        yield f"{excepted[0].shown!r} is excepted there"


def _limited(
    clause: Sequence[Token], before: Sequence[Token], following: Sequence[Token]
) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """The conditions of a clause, each with what it limits: the rest of it, or another clause where it is all of it.

    What is excepted ("unless", 除外) limits what comes before; else it is the next clause, or the last one before.
    """
    starts = [at for at in range(len(clause)) if _limits(clause, at)]
    for at, end in zip(starts, [*starts[1:], len(clause)][: len(starts)], strict=True):
        if clause[at].value in MEASURES:
            near = next(
                place for place in (at + 1, at - 1, at - 2) if 0 <= place < len(clause) and _counts(clause[place])
            )
            yield [clause[at], clause[near]], [*clause[: min(at, near)], *clause[max(at, near) + 1 :]]
        elif clause[at].shown == EXCEPTED:
            yield clause, before
        else:
            beside = before or following if clause[at].value == "unless" else following
            if clause[at].shown.lower() == "only":  # of its own clause
                beside = ()
            yield clause[at:end], clause[:at] or beside


def _condition_values(line: Sequence[Token]) -> set[str]:
    return {token.value for at, token in enumerate(line) if _limits(line, at)}


def _limits(line: Sequence[Token], at: int) -> bool:
    token = line[at]
    if token.kind != "condition":
        return False
    near = (*line[max(0, at - 2) : at], *line[at + 1 : at + 2])
    return token.value not in MEASURES or any(_counts(other) for other in near)


def _counts(token: Token) -> bool:
    return token.kind == "number"


def _values(line: Sequence[Token]) -> set[tuple[str, str]]:
    return {(token.kind, token.value) for token in content(line)}
