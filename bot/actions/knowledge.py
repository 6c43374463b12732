"""Answers from own pages: a ready answer, a draft that the passages carry, a quotation, a question back."""

import asyncio
import math
from collections.abc import Iterable, Sequence

from bot.actions.context import said_before, said_last
from bot.actions.filters import filters_of
from bot.actions.scene import Scene
from bot.actions.texts import phrase
from bot.actions.utterance import source_json, utterance
from bot.dialogue.events import Event
from bot.dialogue.parse import Json
from bot.dialogue.route import KNOWLEDGE, Evidence
from bot.dialogue.slash import command, slash_entities
from bot.errors import DraftFailed
from bot.messages import Source
from bot.ports import Hit, SearchResult

GENERATE_TIMEOUT_S = 30.0
EXTRACT_TIMEOUT_S = 2.0
"""Looking for the part takes some milliseconds; it waits for the thread that drafts."""
HIT_COUNT = 5
NOT_SAID = "not said: "
"""How the reason begins that tells of a drafted sentence."""
TORN_LOG_ODDS = 0.2
"""Where two answers are so near in their odds, the first is right in three of ten cases, and one of both in seven."""
ASKED_LOG_ODDS = 1.0
"""Where no passage is sure, those with at least a third of the best one's odds are asked about."""
MOST_ASKED = 3


async def search(scene: Scene) -> SearchResult | None:
    """Search for the customer's message, once a turn. None: there is no knowledge, or no words to search for."""
    turn, message = scene.turn, scene.tracker.latest_message
    if turn.search is None and scene.means.models.has_knowledge and message is not None:
        with turn.timed("search"):
            before = said_last(scene.tracker)
            turn.search = await scene.means.models.search(
                message.text, k=HIT_COUNT, before=before, filters=_filters(scene)
            )
            if turn.search.why:
                turn.reasons.append(f"searched {turn.search.why}")
    return turn.search


def _filters(scene: Scene) -> dict[str, str]:
    """What this search is narrowed by. A name that no passage has leaves nothing, and is told."""
    filters = filters_of(scene.means.filters, scene.tracker)
    if unknown := sorted(filters.keys() - scene.means.models.filter_names()):
        scene.turn.note_failure("search", "unknown_filter", f"no passage has {', '.join(unknown)}")
    if filters:
        scene.turn.reasons.append(f"filtered by {', '.join(f'{name}={filters[name]}' for name in sorted(filters))}")
    return filters


def evidence_of(result: SearchResult | None) -> Evidence | None:
    """What the route has to know of a search."""
    if result is None:
        return None
    return Evidence(
        probability=result.probability if result.hits else 0.0,
        answer_at=result.answer_at,
        draft_at=result.draft_at,
        is_torn=len(candidates(result.hits, TORN_LOG_ODDS)) > 1,
    )


async def answer(scene: Scene) -> list[Event]:
    """Answer as well as the search allows; no events mean that knowledge has nothing to say.

    What the customer chose after "which of these" is shown as it is.
    """
    message = scene.tracker.latest_message
    if message is not None and command(message.parse) == KNOWLEDGE:
        return _chosen(scene, message.text)
    result = await search(scene)
    evidence = evidence_of(result)
    if result is None or evidence is None:
        return []
    if evidence.answers:
        return [_ready(result.hits[0])]
    return await _from_near(scene, result, evidence) if evidence.may_draft else []


async def _from_near(scene: Scene, result: SearchResult, evidence: Evidence) -> list[Event]:
    """A question back, a draft or a quotation, from passages that may answer."""
    if evidence.is_torn or scene.turn.route == "ask":
        return [_asking(scene, candidates(result.hits, TORN_LOG_ODDS if evidence.is_torn else ASKED_LOG_ODDS))]
    if scene.means.models.has_generator and (drafted := await _draft(scene, result.hits)) is not None:
        return [drafted]
    return [await _quotation(scene, result.hits[0])] if evidence.may_quote else []


def candidates(hits: Sequence[Hit], within: float) -> list[Hit]:
    """The best hit, and those whose odds are not smaller by more than ``within`` (natural logarithm): one of each name,
    and of those that say the same."""
    named: dict[str, Hit] = {}
    said: set[str] = set()
    for hit in hits:
        near = _log_odds(hits[0]) - _log_odds(hit) <= within
        if near and name_of(hit) not in named and hit.text not in said:
            said.add(hit.text)
            named[name_of(hit)] = hit
    return list(named.values())[:MOST_ASKED]


def name_of(hit: Hit) -> str:
    """What a passage is called on a button: its question, or title and heading."""
    return hit.question or " – ".join(dict.fromkeys([hit.title, *hit.headings[-1:]]))


def _log_odds(hit: Hit) -> float:
    chance = min(max(hit.probability, 1e-6), 1 - 1e-6)
    return math.log(chance / (1 - chance))


def _asking(scene: Scene, hits: Sequence[Hit]) -> Event:
    """ "Which of these do you mean?", with a button for each, and one for a person."""
    language = scene.means.language
    buttons: list[Json] = [
        {"title": name_of(hit), "payload": f'/{KNOWLEDGE}{{"passage": "{hit.passage_id}"}}'} for hit in hits
    ]
    buttons.append({"title": phrase("person", language), "payload": "/action_handoff"})
    text = phrase("which" if len(hits) > 1 else "this_one", language)
    passages: list[Json] = [hit.passage_id for hit in hits]
    message = {"text": text, "buttons": buttons, "utter_action": KNOWLEDGE, "origin": "ask", "passages": passages}
    return utterance(message)


def _chosen(scene: Scene, text: str) -> list[Event]:
    """The passage that a button named, unless it is gone since."""
    named = next((str(each.value) for each in slash_entities(text) if each.entity == "passage"), "")
    hit = scene.means.models.passage(named, filters_of(scene.means.filters, scene.tracker))
    return [_ready(hit)] if hit else []


async def _draft(scene: Scene, hits: Sequence[Hit]) -> Event | None:
    """The supported sentences of a draft, shown as they come; None if there is not one."""
    message = scene.tracker.latest_message
    question, earlier = message.text if message else "", said_before(scene.tracker)
    text, passage_ids = "", dict[str, None]()

    def refused(sentence: str, reasons: Sequence[str]) -> None:
        scene.turn.reasons.append(f"{NOT_SAID}{sentence!r}: {'; '.join(reasons)}")

    with scene.turn.timed("generate"):
        try:
            async with asyncio.timeout(GENERATE_TIMEOUT_S):
                async for sentence in scene.means.models.generate(question, hits, earlier=earlier, refused=refused):
                    text = join_sentences(text, sentence.text)
                    passage_ids |= dict.fromkeys(sentence.passage_ids)
                    if scene.turn.partial is not None:
                        await scene.turn.partial(text)
        except TimeoutError:  # what is written so far was checked sentence by sentence, and stands
            scene.turn.note_failure("generate", "model_timeout", f"cut off after {GENERATE_TIMEOUT_S:g} s")
        except DraftFailed as exc:  # the same
            scene.turn.note_failure("generate", exc.code, str(exc))
    if not text:
        return None
    cited = [hit for hit in hits if hit.passage_id in passage_ids]
    return _utter(text, cited, origin="generator")


def _ready(hit: Hit) -> Event:
    return _utter(hit.answer or hit.text, [hit], origin="knowledge")


async def _quotation(scene: Scene, hit: Hit) -> Event:
    """A ready answer as it is, of any other passage the part that answers."""
    opening = phrase("may_help", scene.means.language)
    return _utter(f"{opening}\n\n{hit.answer or await _part(scene, hit)}", [hit], origin="quotation")


async def _part(scene: Scene, hit: Hit) -> str:
    """The part of a passage that answers, or all of it where that is not found in time."""
    message = scene.tracker.latest_message
    try:
        async with asyncio.timeout(EXTRACT_TIMEOUT_S):
            return await scene.means.models.extract(message.text if message else "", hit)
    except TimeoutError:
        scene.turn.note_failure("extract", "model_timeout", f"all of the passage after {EXTRACT_TIMEOUT_S:g} s")
        return hit.text


def _utter(text: str, hits: Sequence[Hit], *, origin: str) -> Event:
    sources: list[Json] = [source_json(source) for source in _sources(hits)]
    return utterance(
        {
            "text": text,
            "utter_action": "action_knowledge",
            "origin": origin,
            "sources": sources,
            "passages": [hit.passage_id for hit in hits],
            "rateable": True,
        }
    )


def _sources(hits: Iterable[Hit]) -> list[Source]:
    """One source for each document, in order of first mention; of a file of questions, for each question."""
    named: dict[tuple[str | None, ...], Source] = {}
    for hit in hits:
        key = (hit.document, hit.url, hit.question) if hit.question else (hit.document,)
        named.setdefault(key, Source(title=hit.title, document=hit.document, url=hit.url))
    return list(named.values())


def join_sentences(text: str, sentence: str) -> str:
    """Append a sentence; Latin script wants a space before it, Chinese does not, a new line stays one."""
    if not text or not sentence or text[-1].isspace() or sentence[0].isspace():
        return text + sentence
    return text + ("" if _is_wide(text[-1]) or _is_wide(sentence[0]) else " ") + sentence


def _is_wide(character: str) -> bool:
    """Chinese characters and full-width punctuation."""
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
