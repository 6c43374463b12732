"""What the pipeline does with patterns and synonyms, written into the regexes, lookup tables and synonyms themselves.

So whoever uses them needs neither pipeline nor options: regexes ignore case unless they say otherwise, lookup phrases
stand at word boundaries, a pattern extracts if an entity has its name, and every synonym is replaced. A pipeline that
is not empty extracts by patterns only with a ``RegexEntityExtractor`` and replaces only with an
``EntitySynonymMapper``, as in Rasa.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot.dialogue.parse import Json
from bot.dialogue.project import Config, NluData

EXTRACTOR, FEATURIZER, MAPPER = "RegexEntityExtractor", "RegexFeaturizer", "EntitySynonymMapper"
_DEFAULTS = {"case_sensitive": False, "use_lookup_tables": True, "use_regexes": True, "use_word_boundaries": True}
_NO_EXTRACTOR: Mapping[str, Json] = {"use_lookup_tables": False, "use_regexes": False}
_SPACED = r"[^\W\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
"""A character of words with spaces between them; beside others, such as Chinese ones, a word may begin anywhere."""

_GLOBAL_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")


def as_piped(data: NluData, config: Config) -> NluData:
    """The data as the pipeline wants it; unchanged where there is none."""
    if not config.pipeline:
        return data
    piped = {component.name: component.options for component in reversed(config.pipeline)}
    options = piped.get(EXTRACTOR, _NO_EXTRACTOR)
    case_sensitive, use_lookups, use_regexes, boundaries = (_option(options, name) for name in _DEFAULTS)
    regexes = {name if use_regexes else _feature(name): sources for name, sources in data.regexes.items()}
    lookups = {name if use_lookups else _feature(name): phrases for name, phrases in data.lookups.items()}
    if case_sensitive:
        regexes = {name: tuple(map(_as_written, sources)) for name, sources in regexes.items()}
    if case_sensitive or not boundaries:
        for name, phrases in lookups.items():
            source = _alternatives(phrases, boundaries=boundaries)
            regexes[name] = (*regexes.get(name, ()), _as_written(source) if case_sensitive else source)
        lookups = {}
    synonyms = data.synonyms if MAPPER in piped else {}
    return replace(data, synonyms=synonyms, regexes=regexes, lookups=lookups)


def unused(data: NluData, config: Config) -> Iterator[str]:
    """What the data says in vain for want of a component; Rasa's validation remarks the same."""
    piped = {component.name for component in config.pipeline}
    if not piped:
        return
    if not {EXTRACTOR, FEATURIZER} & piped and (data.regexes or data.lookups):
        what = "regexes and lookup tables help to recognise entities and extract none by themselves"
        yield f'{what}; add "- name: {EXTRACTOR}" if they are to, or "- name: {FEATURIZER}" if not'
    if MAPPER not in piped and any(text != value.lower() for text, value in data.synonyms.items()):
        yield f'values are not replaced by what they are synonyms of; add "- name: {MAPPER}" if they are to be'


def _option(options: Mapping[str, Json], name: str) -> bool:
    given = options.get(name)
    return given if isinstance(given, bool) else _DEFAULTS[name]


def _feature(name: str) -> str:
    """A name that no entity has, so that the pattern helps to recognise without extracting."""
    return f"{name} (feature)"


def _as_written(source: str) -> str:
    """The regex with letters that count as they are written; one with flags of its own keeps them."""
    return source if _GLOBAL_FLAGS.match(source) else f"(?-i:{source})"


def _alternatives(phrases: Iterable[str], *, boundaries: bool) -> str:
    """A regex that finds the phrases, of several that begin at one place the longest."""
    kept = sorted({phrase.strip() for phrase in phrases if phrase.strip()}, key=lambda phrase: (-len(phrase), phrase))
    if kept and boundaries and all(re.match(_SPACED, end) for phrase in kept for end in (phrase[0], phrase[-1])):
        # Looked at once, a long table compiles six times as fast.
        return f"(?<!{_SPACED})(?:{'|'.join(map(re.escape, kept))})(?!{_SPACED})"
    return "|".join(_at_boundaries(phrase) if boundaries else re.escape(phrase) for phrase in kept)


def _at_boundaries(phrase: str) -> str:
    before = f"(?<!{_SPACED})" if re.match(_SPACED, phrase[0]) else ""
    after = f"(?!{_SPACED})" if re.match(_SPACED, phrase[-1]) else ""
    return before + re.escape(phrase) + after
