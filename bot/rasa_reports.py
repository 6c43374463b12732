"""What tests found, under the names of the answers of Rasa's HTTP API. Pure."""

from collections.abc import Mapping, Sequence

from bot.dialogue.figures import Pair, classification
from bot.dialogue.parse import Json, Parse
from bot.dialogue.project import NluExample

NO_ENTITY = "no_entity"


def story_report(report: Mapping[str, Json], *, e2e: bool) -> Mapping[str, Json]:
    """What ``kefu test`` found, under the names of Rasa's answer."""
    weighted = report.get("weighted avg")
    means = weighted if isinstance(weighted, Mapping) else {}
    return {
        "report": {name: value for name, value in report.items() if name not in ("stories", "confusion", "coverage")},
        "precision": means.get("precision", 0.0),
        "f1": means.get("f1-score", 0.0),
        "accuracy": report.get("accuracy", 0.0),
        "stories": report.get("stories", []),
        "is_end_to_end_evaluation": e2e,
    }


def judged(examples: Sequence[NluExample], parses: Sequence[Parse]) -> Mapping[str, Json]:
    """What was understood beside what was meant, example by example."""
    intents, selections, entities = list[Pair](), list[Pair](), list[Pair]()
    errors: list[Json] = []
    predictions: list[Json] = []
    for example, parse in zip(examples, parses, strict=True):
        intent, _, key = example.intent.partition("/")
        got = parse.intent.name
        intents.append((intent, got))
        predictions.append(
            {"text": example.text, "intent": intent, "predicted": got, "confidence": parse.intent.confidence}
        )
        if intent != got:
            found: Json = {"name": got, "confidence": parse.intent.confidence}
            errors.append({"text": example.text, "intent": intent, "intent_prediction": found})
        if key:
            selections.append((example.intent, f"{got}/{parse.response_key}" if parse.response_key else got))
        entities += _entity_pairs(example, parse)
    return {
        "intent_evaluation": {"predictions": predictions, **_evaluation(intents), "errors": errors},
        "entity_evaluation": _evaluation(entities),
        "response_selection_evaluation": _evaluation(selections),
    }


def _entity_pairs(example: NluExample, parse: Parse) -> list[Pair]:
    """Entities by their place: what stands on one side alone has ``NO_ENTITY`` beside it."""
    wanted, found = (
        {(entity.start, entity.end): entity.entity for entity in entities}
        for entities in (example.entities, parse.entities)
    )
    return [(wanted.get(span, NO_ENTITY), found.get(span, NO_ENTITY)) for span in wanted.keys() | found.keys()]


def _evaluation(pairs: Sequence[Pair]) -> dict[str, Json]:
    report = classification(pairs)
    weighted = report.get("weighted avg")
    means = weighted if isinstance(weighted, Mapping) else {}
    return {
        "report": report,
        "precision": means.get("precision", 0.0),
        "f1_score": means.get("f1-score", 0.0),
        "accuracy": report.get("accuracy", 0.0),
    }


def folded(figures: Mapping[str, Json]) -> Mapping[str, Json]:
    """The figures of a cross-validation, under the names of Rasa's answer; all of them stand under ``figures``."""
    return {
        "intent_evaluation": {
            "report": figures.get("intents", {}),
            "accuracy": figures.get("intent_accuracy"),
            "f1_score": figures.get("intent_macro_f1"),
            "errors": figures.get("confused", []),
        },
        "entity_evaluation": {"report": figures.get("entities", {}), "f1_score": figures.get("entity_f1")},
        "response_selection_evaluation": {},
        "figures": figures,
    }
