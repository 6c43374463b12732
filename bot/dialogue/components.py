"""What becomes of each component and policy that a ``config.yml`` of Rasa may name. docs/rasa.md has the same table.

Four fates: ``used`` works here as it does there; ``replaced`` means that a part of Kefu's own does its work;
``ignored`` that nothing does, which is noticed; ``refused`` that the bot would be another one without it: a fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.dialogue.project import Component, Config

Fate = Literal["used", "replaced", "ignored", "refused"]
Section = Literal["pipeline", "policies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What Kefu does with components of these names. ``more``, in Markdown, is for the documentation alone."""

    section: Section
    names: tuple[str, ...]
    fate: Fate
    words: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one entry of a ``config.yml``."""

    name: str
    line: int
    fate: Fate
    words: str


CONVERT = "`kefu data convert` writes the rules that take its place"
_CALM = "it is of Rasa Pro (CALM) and needs a hosted language model; write rules, stories or forms"
_ONLY_IF_NAMED = "Only where the pipeline names it, or where there is no pipeline"

TREATMENTS = (
    Treatment(
        section="pipeline",
        names=("DIETClassifier",),
        fate="replaced",
        words="one fine-tuned transformer finds intents and entities together",
    ),
    Treatment(
        section="pipeline",
        names=(
            *("LogisticRegressionClassifier", "SklearnIntentClassifier", "MitieIntentClassifier"),
            *("KeywordIntentClassifier", "EmbeddingIntentClassifier"),
        ),
        fate="replaced",
        words="the same transformer finds the intent",
    ),
    Treatment(
        section="pipeline",
        names=("CRFEntityExtractor",),
        fate="replaced",
        words="the same transformer finds the entities",
    ),
    Treatment(
        section="pipeline",
        names=("RegexEntityExtractor",),
        fate="used",
        words="regexes and lookup tables named like an entity extract it",
        more=f"{_ONLY_IF_NAMED}. `case_sensitive`, `use_word_boundaries`, `use_lookup_tables` and `use_regexes` count "
        "([entities](training.md#entities))",
    ),
    Treatment(
        section="pipeline",
        names=("EntitySynonymMapper",),
        fate="used",
        words="values are replaced by what they are synonyms of",
        more=_ONLY_IF_NAMED,
    ),
    Treatment(
        section="pipeline",
        names=("FallbackClassifier",),
        fate="replaced",
        words="the threshold is found in training, or is `nlu_threshold` in `kefu:`",
        more="Always on; its options are ignored",
    ),
    Treatment(
        section="pipeline",
        names=("ResponseSelector",),
        fate="replaced",
        words="the classifier itself tells `faq/ask_hours` from `faq/ask_price`",
    ),
    Treatment(
        section="pipeline",
        names=("DucklingEntityExtractor", "DucklingHTTPExtractor"),
        fate="used",
        words="with `dimensions`, `locale`, `timezone`, `timeout`, `url`; without a `url` Kefu finds the same itself",
        more="See [system entities](configuration.md#system-entities): each place has one reading of a dimension; "
        "Rasa may keep several",
    ),
    Treatment(
        section="pipeline",
        names=(
            *("WhitespaceTokenizer", "JiebaTokenizer", "MitieTokenizer", "SpacyTokenizer", "ConveRTTokenizer"),
            "LanguageModelTokenizer",
        ),
        fate="replaced",
        words="the encoder brings its tokenizer",
    ),
    Treatment(
        section="pipeline",
        names=(
            *("LexicalSyntacticFeaturizer", "CountVectorsFeaturizer", "LanguageModelFeaturizer", "SpacyFeaturizer"),
            *("MitieFeaturizer", "ConveRTFeaturizer"),
        ),
        fate="replaced",
        words="the encoder reads the message itself",
    ),
    Treatment(
        section="pipeline",
        names=("RegexFeaturizer",),
        fate="replaced",
        words="regexes and lookup tables always help to recognise; to extract by them takes a RegexEntityExtractor",
    ),
    Treatment(
        section="pipeline",
        names=("MitieNLP", "SpacyNLP", "HFTransformersNLP"),
        fate="replaced",
        words="the encoder is the language model; `encoder` in `kefu:` names another one",
    ),
    Treatment(
        section="pipeline",
        names=("SpacyEntityExtractor", "MitieEntityExtractor"),
        fate="ignored",
        words="annotate such entities in the examples, or use regexes, lookup tables and RegexEntityExtractor",
    ),
    Treatment(
        section="pipeline",
        names=(
            *("LLMCommandGenerator", "SingleStepLLMCommandGenerator", "MultiStepLLMCommandGenerator"),
            *("CompactLLMCommandGenerator", "SearchReadyLLMCommandGenerator", "NLUCommandAdapter"),
            "LLMBasedRouter",
        ),
        fate="refused",
        words=_CALM,
    ),
    Treatment(section="policies", names=("RulePolicy",), fate="used", words="with its options"),
    Treatment(
        section="policies",
        names=("MemoizationPolicy", "AugmentedMemoizationPolicy"),
        fate="used",
        words="with its options",
    ),
    Treatment(
        section="policies",
        names=("TEDPolicy",),
        fate="replaced",
        words="a small transformer learned from the stories guesses where no rule and no story applies",
        more="`max_history` and `priority` count ([what was learned](dialogue.md#what-was-learned))",
    ),
    Treatment(
        section="policies",
        names=("UnexpecTEDIntentPolicy",),
        fate="replaced",
        words="the same transformer, where a rule or story has `action_unlikely_intent`",
        more="`max_history`, `priority`, `tolerance` and `ignore_intents_list` count "
        "([unlikely intents](dialogue.md#unlikely-intents))",
    ),
    Treatment(
        section="policies",
        names=("KerasPolicy", "EmbeddingPolicy", "SklearnPolicy"),
        fate="refused",
        words="Rasa itself has dropped it; name `TEDPolicy`, and `RulePolicy` before it",
    ),
    Treatment(
        section="policies",
        names=("FormPolicy", "MappingPolicy", "FallbackPolicy", "TwoStageFallbackPolicy"),
        fate="refused",
        words=f"it is of Rasa 2 and older; {CONVERT}",
    ),
    Treatment(
        section="policies",
        names=("FlowPolicy", "IntentlessPolicy", "EnterpriseSearchPolicy", "ExtractiveSearchPolicy"),
        fate="refused",
        words=_CALM,
    ),
)

OWN_CODE: Mapping[Section, Treatment] = {
    "pipeline": Treatment(
        section="pipeline",
        names=("your.own.Component",),
        fate="ignored",
        words="it is code of its own; move what it does into a custom action or, for entities, "
        "into regexes and lookup tables with RegexEntityExtractor",
    ),
    "policies": Treatment(
        section="policies",
        names=("your.own.Policy",),
        fate="refused",
        words="it is code of its own; write what it decides as rules, stories or a custom action",
    ),
}
"""A component with a dot in its name: a class that somebody wrote for Rasa."""


def treatment(name: str, section: Section) -> Treatment | None:
    """What becomes of a component, by the name in ``config.yml``; None for a name that nobody knows."""
    short = name.rsplit(".", 1)[-1] if name.startswith("rasa.") else name
    known = next((each for each in TREATMENTS if short in each.names and each.section == section), None)
    return known or (OWN_CODE[section] if "." in name else None)


def names(section: Section) -> tuple[str, ...]:
    """Every component of Rasa's that is known."""
    return tuple(name for each in TREATMENTS if each.section == section for name in each.names)


def verdicts(config: Config) -> tuple[Verdict, ...]:
    """What becomes of every entry of a ``config.yml`` whose name is known, in its order."""
    parts: tuple[tuple[Section, tuple[Component, ...]], ...] = (
        ("pipeline", config.pipeline),
        ("policies", config.policies),
    )
    return tuple(
        Verdict(name=entry.name, line=entry.line, fate=found.fate, words=found.words)
        for section, entries in parts
        for entry in entries
        if (found := treatment(entry.name, section)) is not None
    )


def table() -> str:
    """The table of docs/rasa.md."""
    rows = []
    for each in (*TREATMENTS, *OWN_CODE.values()):
        listed = ", ".join(f"`{name}`" for name in each.names)
        rows.append(f"| {listed} | **{each.fate}**: {'. '.join(filter(None, (each.words, each.more)))} |")
    return "\n".join(["| name | what Kefu does |", "|---|---|", *rows])
