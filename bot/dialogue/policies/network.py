"""A small transformer over dialogue states, as arrays: what is likely to be done next. Knows no tracker and no file.

Each state is a bag of features (``features_of``): the sum of their vectors goes through a layer of its own, then the
newest state attends to those before it [Vaswani et al. 2017; over dialogue states: Vlasov et al. 2019, "Dialogue
Transformers"], with a learned weight for each distance instead of positions. Trained by ``training/policy_fit.py``,
where the same sums are written for torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.dialogue.parse import Json
from bot.dialogue.states import State

Array = NDArray[np.float32]
EPSILON = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The ``vocabulary`` of features, what can follow, and the ``weights`` by name.

    ``window``: how many states are looked at. ``heads``: of the attention.
    """

    vocabulary: Mapping[str, int]
    actions: tuple[str, ...]
    intents: tuple[str, ...]
    window: int
    heads: int
    weights: Mapping[str, Array]

    def knows(self, state: State) -> bool:
        """Whether what the user said occurred in what was learned; before the first message, nothing has to."""
        said = [name for name, _ in features_of(state) if name.startswith(("intent ", "text "))]
        return state.is_start if not said else all(name in self.vocabulary for name in said)

    def action_chances(self, states: Sequence[State]) -> Mapping[str, float]:
        """How probable each action is after these states (oldest first)."""
        chances = _softmax(_linear(self._read(states), self.weights, "actions"))
        return dict(zip(self.actions, map(float, chances), strict=True))

    def intent_chances(self, states: Sequence[State]) -> Mapping[str, float]:
        """How probable each intent is as the next message, where the bot listens after these states."""
        chances = _softmax(_linear(self._read(states), self.weights, "intents"))
        return dict(zip(self.intents, map(float, chances), strict=True))

    def to_json(self) -> dict[str, Json]:
        """Everything but the weights, as JSON."""
        return {
            "vocabulary": dict(self.vocabulary),
            "actions": list(self.actions),
            "intents": list(self.intents),
            "window": self.window,
            "heads": self.heads,
        }

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], weights: Mapping[str, Array]) -> "Network":
        """Read what ``to_json`` wrote."""
        return cls(**{**obj, "actions": tuple(obj["actions"]), "intents": tuple(obj["intents"])}, weights=weights)

    def _read(self, states: Sequence[State]) -> Array:
        """The vector [width] of the newest state in its context."""
        weights = self.weights
        entered = np.stack([self._enter(state) for state in states[-self.window :]])
        context = entered + _layer(_norm(entered, weights, "state.norm"), weights, "state")
        normed = _norm(context, weights, "attention.norm")
        newest = context[-1] + self._attend(normed) @ weights["attention.out.weight"].T
        newest = newest + _layer(_norm(newest, weights, "last.norm"), weights, "last")
        return _norm(newest, weights, "norm")

    def _enter(self, state: State) -> Array:
        known = [(self.vocabulary[name], value) for name, value in features_of(state) if name in self.vocabulary]
        vectors = self.weights["features"]
        total: Array = self.weights["start"].copy()
        for at, value in known:
            total += vectors[at] * np.float32(value)
        return total

    def _attend(self, normed: Array) -> Array:
        """What the newest state takes from all [width]."""
        weights, count, heads = self.weights, len(normed), self.heads
        query = (weights["attention.query.weight"] @ normed[-1]).reshape(heads, -1)
        keys = (normed @ weights["attention.key.weight"].T).reshape(count, heads, -1)
        values = (normed @ weights["attention.value.weight"].T).reshape(count, heads, -1)
        scores = np.einsum("hd,nhd->hn", query, keys) / np.float32(np.sqrt(query.shape[1]))
        scores += weights["attention.distance"][:, :count][:, ::-1]
        mixed: Array = np.einsum("hn,nhd->hd", _softmax(scores), values).reshape(-1)
        return mixed


def features_of(state: State) -> list[tuple[str, float]]:
    """What is set in a state, by name, with its value; a slot has one feature for each of its numbers."""
    found = [(f"entity {name}", 1.0) for name in state.entities]
    named = {
        "intent": state.intent,
        "text": state.text,
        "action": state.action or state.action_text,
        "loop": state.loop_name,
    }
    found += [(f"{kind} {name}", 1.0) for kind, name in named.items() if name]
    for name, values in state.slots.items():
        if not isinstance(values, str):
            found += [(f"slot {name} {i}", value) for i, value in enumerate(values) if value]
    return found


def _linear(x: Array, weights: Mapping[str, Array], name: str) -> Array:
    found: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return found


def _layer(x: Array, weights: Mapping[str, Array], name: str) -> Array:
    return _linear(np.maximum(_linear(x, weights, f"{name}.widen"), 0), weights, f"{name}.narrow")


def _norm(x: Array, weights: Mapping[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    found: Array = scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return found


def _softmax(x: Array) -> Array:
    raised = np.exp(x - x.max(-1, keepdims=True))
    found: Array = raised / raised.sum(-1, keepdims=True)
    return found
