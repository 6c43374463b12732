"""Intents with response keys (``faq/hours``): judged by the sum of their keys, as they are answered."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_encoder import write_tiny_bert

from nlu.data import Example, IntentScore, Parse, PatternSources
from nlu.model import NluModel, intent_of
from training import nlu_judged
from training.evaluate_nlu import evaluate, judge, quality
from training.nlu import train_nlu
from training.nlu_fit import NluSettings
from training.nlu_inputs import fitted_to, read_inputs
from training.nlu_split import hold_out

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = NluSettings(heads_only=True, general_outside=False)
KEYED = [
    *(Example(text=text, intent="faq/order") for text in ("where is my order", "my order number", "order number 1")),
    *(Example(text=text, intent="faq/number") for text in ("what is my number", "my number", "where is the number")),
    *(Example(text=text, intent="faq/weather") for text in ("what is the weather", "weather", "the weather 1")),
    *(Example(text=text, intent="greet") for text in ("hello", "hi", "hello hi")),
]
OUTSIDE = ("book a flight", "fly to paris", "new york", "berlin")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_bert(tmp_path_factory.mktemp("base") / "tiny"))


@pytest.mark.parametrize("outside", [(), OUTSIDE], ids=["no reject class", "reject class"])
def test_the_threshold_is_found_on_what_it_is_compared_with(
    base: str, monkeypatch: pytest.MonkeyPatch, outside: tuple[str, ...]
) -> None:
    none = PatternSources()
    inputs = read_inputs(
        base, KEYED, outside=outside, sources=none, entities=[], settings=SETTINGS, seed=0, device="cpu"
    )
    fitted = fitted_to(inputs, KEYED, outside, lambda share: None)
    held = [Example(text=text, intent="faq/order") for text in ("where is my number", "weather order", "hello my")]
    given = []

    def chosen(sure: object, right: object, foreign: object) -> float:
        given.extend([sure, right, *foreign])  # type: ignore[misc]
        return 0.4

    monkeypatch.setattr(nlu_judged, "chosen_threshold", chosen)
    calibration = nlu_judged.calibrated(inputs, fitted, held, [OUTSIDE], source="test")
    manifest = nlu_judged.manifest_of(inputs, fitted, calibration)
    model = NluModel(manifest, fitted.network, fitted.task.encoder, inputs.device)

    def compared(texts: list[str]) -> tuple[list[float], list[str]]:
        readings = model.read_batch(texts)
        best = [(reading.chances.max(), model.intents[reading.chances.argmax()]) for reading in readings]
        sure = [0.0 if (r.outside or 0.0) > chance else chance for r, (chance, _) in zip(readings, best, strict=True)]
        return sure, [intent for _, intent in best]

    sure, intents = compared([example.text for example in held])
    assert given[0] == pytest.approx(sure, abs=1e-5)
    assert list(given[1]) == [intent == "faq" for intent in intents]
    assert given[2] == pytest.approx(compared(list(OUTSIDE))[0], abs=1e-5)


def test_whole_intents_are_left_out_of_a_trial() -> None:
    """A key of a known intent is no foreign message: the sum of the other keys answers it."""
    plain = [Example(text=f"{intent} {n}", intent=f"intent{intent}") for intent in range(9) for n in range(10)]
    keyed = [Example(text=f"faq {key} {n}", intent=f"faq/key{key}") for key in range(40) for n in range(5)]
    sizes = set()
    for seed in range(30):
        split = hold_out([*plain, *keyed], (), leave_intents_out=True, seed=seed)
        assert split is not None
        kept = {intent_of(example.intent) for example in (*split.learned, *split.held)}
        assert len(kept) == 9  # one of ten
        sizes.add(len(split.left_out))
    assert sizes == {10, 200}  # an intent of 10 texts, or every key of the other


@pytest.mark.parametrize(
    ("gold", "intent", "key", "right"),
    [
        ("faq/hours", "faq", "hours", 1.0),
        ("faq/hours", "faq", "place", 0.0),
        ("faq/hours", "chat", "hours", 0.0),  # the same key of another intent
        ("faq/hours", "nlu_fallback", None, 0.0),
        ("faq", "faq", "hours", None),  # nobody said which key
        ("greet", "faq", "hours", None),
        ("out_of_scope", "faq", "hours", None),
    ],
)
def test_accuracy_of_keys_by_hand(gold: str, intent: str, key: str | None, right: float | None) -> None:
    score = IntentScore(name=intent, confidence=0.8)
    parse = Parse(text="x", intent=score, ranking=(score,), response_key=key)
    assert quality([judge(Example(text="x", intent=gold), parse)])["response_key_accuracy"] == right


def test_keys_that_were_learned_are_right(base: str, tmp_path: Path) -> None:
    train_nlu(KEYED, out=tmp_path, base=base, settings=replace(SETTINGS, threshold=0.0), device="cpu")
    figures = evaluate(NluModel.load(tmp_path), KEYED)
    assert (figures["response_key_accuracy"], figures["in_scope_accuracy"]) == (1.0, 1.0)
