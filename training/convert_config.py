"""A ``config.yml`` of Rasa 1 or 2 brought to 3.1: former policies become RulePolicy, rules and FallbackClassifier."""

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from training.convert_notes import Notes, Rule, line_of

FORMER_PIPELINES = {
    "supervised_embeddings": (
        *("WhitespaceTokenizer", "RegexFeaturizer", "CountVectorsFeaturizer", "DIETClassifier", "EntitySynonymMapper"),
    ),
    "pretrained_embeddings_spacy": (
        *("SpacyNLP", "SpacyTokenizer", "SpacyFeaturizer", "RegexFeaturizer", "DIETClassifier", "EntitySynonymMapper"),
    ),
    "pretrained_embeddings_convert": ("WhitespaceTokenizer", "ConveRTFeaturizer", "DIETClassifier"),
}
FORMER_PIPELINES |= {
    "tensorflow_embedding": FORMER_PIPELINES["supervised_embeddings"],
    "spacy_sklearn": FORMER_PIPELINES["pretrained_embeddings_spacy"],
}
FORMER_COMPONENTS = {
    "EmbeddingIntentClassifier": "DIETClassifier",
    "intent_classifier_tensorflow_embedding": "DIETClassifier",
    "intent_classifier_sklearn": "SklearnIntentClassifier",
    "intent_classifier_mitie": "MitieIntentClassifier",
    "intent_classifier_keyword": "KeywordIntentClassifier",
    "intent_featurizer_count_vectors": "CountVectorsFeaturizer",
    "intent_entity_featurizer_regex": "RegexFeaturizer",
    "intent_featurizer_spacy": "SpacyFeaturizer",
    "intent_featurizer_mitie": "MitieFeaturizer",
    "ner_crf": "CRFEntityExtractor",
    "ner_spacy": "SpacyEntityExtractor",
    "ner_mitie": "MitieEntityExtractor",
    "ner_duckling_http": "DucklingEntityExtractor",
    "ner_synonyms": "EntitySynonymMapper",
    "nlp_spacy": "SpacyNLP",
    "nlp_mitie": "MitieNLP",
    "tokenizer_whitespace": "WhitespaceTokenizer",
    "tokenizer_jieba": "JiebaTokenizer",
    "tokenizer_spacy": "SpacyTokenizer",
    "tokenizer_mitie": "MitieTokenizer",
    "DucklingHTTPExtractor": "DucklingEntityExtractor",
    "ConveRTTokenizer": "WhitespaceTokenizer",
    "LanguageModelTokenizer": "WhitespaceTokenizer",
}
GONE_COMPONENTS = ("HFTransformersNLP", "NGramFeaturizer", "intent_featurizer_ngrams")
LEARNED = ("EmbeddingPolicy", "KerasPolicy", "SklearnPolicy")
FALLBACKS = ("FallbackPolicy", "TwoStageFallbackPolicy")
BY_RULES = (*FALLBACKS, "FormPolicy", "MappingPolicy")
_KEPT_OF_LEARNED = ("name", "epochs", "max_history", "priority", "batch_size")
_FALLBACK_INTENT = "nlu_fallback"


def convert_config(root: CommentedMap, notes: Notes, *, needs_rules: bool) -> list[Rule]:
    """Change the configuration in place and return the rules that its fallback policies stood for.

    ``needs_rules``: there are forms or rules, which only RulePolicy follows.
    """
    if "recipe" not in root:
        root.insert(0, "recipe", "default.v1")
        notes.changed(1, "the recipe is default.v1")
    root.pop("version", None)
    if "language" not in root:
        root.insert(1, "language", "en")
        notes.look(1, "no language was named; it is en now")
    _pipeline(root, notes)
    return _policies(root, notes, needs_rules=needs_rules)


def _pipeline(root: CommentedMap, notes: Notes) -> None:
    pipeline = root.get("pipeline")
    if isinstance(pipeline, str) and pipeline in FORMER_PIPELINES:
        notes.changed(line_of(root, "pipeline"), f"the pipeline {pipeline} is written out")
        names = FORMER_PIPELINES[pipeline]
        root["pipeline"] = CommentedSeq([CommentedMap({"name": name}) for name in names])
    elif isinstance(pipeline, CommentedSeq):
        for at in reversed(range(len(pipeline))):
            _component(pipeline, at, notes)


def _component(pipeline: CommentedSeq, at: int, notes: Notes) -> None:
    entry, line = _entry(pipeline, at), line_of(pipeline, at)
    name = _name(entry)
    if name in GONE_COMPONENTS:
        del pipeline[at]
        notes.changed(line, f"{name} is gone: the encoder does its work")
    elif name in FORMER_COMPONENTS:
        entry["name"] = FORMER_COMPONENTS[name]
        notes.changed(line, f"{name} is called {entry['name']}")


def _policies(root: CommentedMap, notes: Notes, *, needs_rules: bool) -> list[Rule]:
    given = root.get("policies")
    if not isinstance(given, CommentedSeq):
        return []
    rules: list[Rule] = []
    options: dict[str, Any] = {}
    found = needs_rules
    for at in reversed(range(len(given))):
        entry, line = _entry(given, at), line_of(given, at)
        name = _name(entry).rsplit(".", 1)[-1]
        if name in LEARNED:
            given[at] = CommentedMap({key: entry[key] for key in _KEPT_OF_LEARNED if key in entry})
            given[at]["name"] = "TEDPolicy"
            notes.changed(line, f"{name} is gone; TEDPolicy takes its place")
        elif name in BY_RULES:
            found = True
            if name in FALLBACKS:
                rules.append(_fallback(name, entry, root, line, notes))
                options |= _core_fallback(entry)
            notes.changed(line, f"{name} is gone; RulePolicy takes its place")
            del given[at]
    named = next((entry for entry in given if _name(entry) == "RulePolicy"), None)
    if named is None and found:
        given.append(CommentedMap({"name": "RulePolicy", **options}))
        notes.changed(line_of(root, "policies"), "RulePolicy was added, which forms and rules need")
    elif named is not None:
        named |= {key: value for key, value in options.items() if key not in named}
    learned = [at for at, entry in enumerate(given) if _name(entry) == "TEDPolicy"]
    for at in reversed(learned[1:]):  # those that are called so now are one
        del given[at]
    return rules


def _entry(section: CommentedSeq, at: int) -> Any:
    """A component; one that is only a name gets its key."""
    if isinstance(section[at], str):
        section[at] = CommentedMap({"name": section[at]})
    return section[at]


def _name(entry: Any) -> str:
    return str(entry.get("name", "")) if isinstance(entry, CommentedMap) else ""


def _core_fallback(entry: CommentedMap) -> dict[str, Any]:
    names = {"core_threshold": "core_fallback_threshold", "fallback_core_action_name": "core_fallback_action_name"}
    names["fallback_action_name"] = "core_fallback_action_name"
    return {names[key]: entry[key] for key in names if key in entry}


def _fallback(name: str, entry: CommentedMap, root: CommentedMap, line: int, notes: Notes) -> Rule:
    """The rule for messages that are not understood; FallbackClassifier gives them their intent."""
    pipeline = root.get("pipeline")
    # Without one there is Rasa's default, which falls back and does more.
    if isinstance(pipeline, CommentedSeq) and pipeline and "FallbackClassifier" not in map(_name, pipeline):
        given = {"threshold": entry.get("nlu_threshold"), "ambiguity_threshold": entry.get("ambiguity_threshold")}
        options = {key: value for key, value in given.items() if value is not None}
        pipeline.append(CommentedMap({"name": "FallbackClassifier", **options}))
    why = f"{name} in {notes.path}:{line}"
    if name == "FallbackPolicy":
        action = str(entry.get("fallback_action_name", "action_default_fallback"))
        return Rule(name="not understood", steps=[{"intent": _FALLBACK_INTENT}, {"action": action}], why=why)
    if entry.get("deny_suggestion_intent_name", "out_of_scope") != "out_of_scope":
        notes.look(line, "who denies a suggestion has the intent out_of_scope now: give it the examples of the other")
    if "fallback_nlu_action_name" in entry:
        action = str(entry["fallback_nlu_action_name"])
        notes.look(line, f"after two failures action_default_fallback runs; {action} can take its name in the domain")
    two_stage = "action_two_stage_fallback"
    return Rule(
        name="ask back in two stages",
        steps=[{"intent": _FALLBACK_INTENT}, {"action": two_stage}, {"active_loop": two_stage}],
        why=why,
    )
