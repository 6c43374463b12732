import numpy as np
import pytest

from nlu.confidence import Confidence
from nlu.data import Example
from training.nlu_calibration import (
    DEFAULT_THRESHOLD,
    calibration_error,
    chosen_threshold,
    fitted_confidence,
    fitted_temperature,
    separation,
)
from training.nlu_split import hold_out


def test_temperature_undoes_a_known_scale() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, 5)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([random.choice(5, p=row) for row in chances])
    assert fitted_temperature(logits * 3, labels) == pytest.approx(3, rel=0.1)


def test_a_few_easy_texts_do_not_make_it_certain() -> None:
    assert fitted_temperature([[4.0, 0.0]] * 4, [0] * 4) > 0.3


def test_threshold_lies_between_what_is_known_and_what_is_foreign() -> None:
    threshold = chosen_threshold([0.9, 0.85, 0.95] * 100, [True] * 300, [[0.2, 0.3, 0.5] * 100])
    assert 0.5 < threshold < 0.85


def test_kinds_of_outside_texts_count_alike() -> None:
    inside, right = [0.5, 0.9] * 500, [True] * 1000
    far, near = [0.1] * 10, [0.7] * 1000
    assert chosen_threshold(inside, right, [far, near]) < 0.5  # rejecting all near ones would cost half of the answers
    assert chosen_threshold([0.9] * 1000, right, [far, near]) > 0.7  # here it costs nothing


def test_threshold_keeps_the_default_where_nothing_is_known() -> None:
    assert chosen_threshold([0.9], [True], [[]]) == DEFAULT_THRESHOLD
    few = chosen_threshold([0.95, 0.99], [True, True], [[0.9]])
    assert abs(few - DEFAULT_THRESHOLD) < 0.05


@pytest.mark.parametrize(
    ("confidences", "right", "error"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 0.5),
        ([0.5, 0.5, 0.9], [True, False, True], 0.1 / 3),
        ([], [], 0.0),
    ],
)
def test_calibration_error(confidences: list[float], right: list[bool], error: float) -> None:
    assert calibration_error(confidences, right) == pytest.approx(error)


@pytest.mark.parametrize(
    ("higher", "lower", "area"),
    [([3, 4], [1, 2], 1.0), ([1], [1], 0.5), ([1, 3], [2], 0.5), ([0], [1], 0.0), ([], [1], None)],
)
def test_separation(higher: list[float], lower: list[float], area: float | None) -> None:
    assert separation(higher, lower) == area


def examples(intents: int, each: int) -> list[Example]:
    return [Example(text=f"{i} {n}", intent=f"intent{i}") for i in range(intents) for n in range(each)]


def test_without_outside_texts_whole_intents_are_foreign() -> None:
    split = hold_out(examples(10, 10), (), leave_intents_out=True, seed=1)
    assert split is not None
    known = {example.intent for example in split.learned}
    assert len(known) == 9
    assert {example.intent for example in split.held} == known
    assert len(split.held) == 18
    assert len(split.left_out) == 10
    assert split.foreign_source == "intents left out of the trial"
    assert not {e.text for e in split.learned} & ({e.text for e in split.held} | set(split.left_out))


def test_known_outside_texts_are_split_and_no_intent_is_left_out() -> None:
    outside = [f"outside {n}" for n in range(20)]
    split = hold_out(examples(10, 10), outside, leave_intents_out=False, seed=1)
    assert split is not None
    assert len({example.intent for example in split.learned}) == 10
    assert (len(split.held_outside), len(split.outside)) == (4, 16)
    assert {*split.held_outside, *split.outside} == set(outside)


@pytest.mark.parametrize(
    ("intents", "each"),
    [(2, 10), (40, 3)],  # too few texts at all; too few of each intent
)
def test_too_little_to_hold_out(intents: int, each: int) -> None:
    assert hold_out(examples(intents, each), (), leave_intents_out=True, seed=1) is None


def test_at_most_a_thousand_are_held_out() -> None:
    split = hold_out(examples(4, 3000), (), leave_intents_out=True, seed=1)
    assert split is not None
    assert len(split.held) == 1000


def held_out(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of messages of four classes, one in ten of which is taken for another."""
    labels = random.integers(0, 4, count)
    logits = random.normal(0, 1, (count, 5))
    seen = np.where(random.random(count) < 0.1, (labels + 1) % 4, labels)
    logits[np.arange(count), seen] += 8
    return logits, labels


def test_what_resembles_nothing_is_less_sure_than_what_is_torn_between_two() -> None:
    random = np.random.default_rng(0)
    logits, labels = held_out(random, 400)
    foreign = random.normal(-6, 1, (200, 5))
    foreign[:, 0] += 9  # far above the others, yet below what a message of the class reaches
    inside = [True] * 4 + [False]
    confidence = fitted_confidence(logits, labels, [foreign], inside)
    known, strange = confidence.of(logits, inside), confidence.of(foreign, inside)
    assert separation(known.max(axis=1), strange.max(axis=1)) > 0.99
    plain = Confidence(temperature=confidence.temperature)
    assert separation(plain.of(logits, inside).max(axis=1), plain.of(foreign, inside).max(axis=1)) < 0.95


def test_confidences_are_the_share_that_is_right_whatever_the_floor() -> None:
    random = np.random.default_rng(1)
    logits, labels = held_out(random, 600)
    inside = [True] * 4 + [False]
    foreign = random.normal([5, 0, 0, 0, 0], 1, (100, 5))
    confidence = fitted_confidence(logits[:300], labels[:300], [foreign], inside)
    chances = confidence.of(logits[300:], inside)
    assert chances.max(axis=1).mean() == pytest.approx((chances.argmax(axis=1) == labels[300:]).mean(), abs=0.05)
    assert calibration_error(chances.max(axis=1), chances.argmax(axis=1) == labels[300:]) < 0.06


def test_chances_add_up_and_keep_their_order() -> None:
    logits = np.random.default_rng(2).normal(0, 5, (50, 5))
    confidence = Confidence(temperature=1.3, floor=4.0, slope=0.7, shift=1.5)
    chances = confidence.of(logits, [True] * 4 + [False])
    assert (chances >= 0).all()
    assert (chances.sum(axis=1) <= 1 + 1e-9).all()
    assert (chances[:, :4].argmax(axis=1) == logits[:, :4].argmax(axis=1)).all()


def test_without_foreign_messages_there_is_no_floor_and_without_any_nothing_changes() -> None:
    logits, labels = held_out(np.random.default_rng(3), 50)
    assert fitted_confidence(logits, labels, [], [True] * 5).floor == Confidence().floor
    assert fitted_confidence(np.zeros((0, 5)), [], [logits], [True] * 5) == Confidence()
