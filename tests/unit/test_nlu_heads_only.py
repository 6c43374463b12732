"""``kefu train --fast``: where the heads end up, and what decides their weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_encoder import write_tiny_bert

from nlu.data import EntitySpan, Example, PatternSources
from nlu.model import NluModel
from training.nlu import train_nlu
from training.nlu_fit import NluSettings
from training.nlu_inputs import fitted_to, read_inputs

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = NluSettings(heads_only=True, general_outside=False)


def fly(start: str, town: str, role: str) -> Example:
    span = EntitySpan(start=len(start), end=len(start) + len(town), entity="city", role=role, group=role)
    return Example(text=start + town, intent="fly", entities=(span,))


EXAMPLES = [
    *(fly("i want to fly to ", town, "to") for town in ("berlin", "paris", "new york", "北京")),
    *(fly("book a flight from ", town, "from") for town in ("berlin", "paris", "new york", "北京")),
    *(Example(text=text, intent="greet") for text in ("hello", "hi", "hello hi", "hi hello")),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_bert(tmp_path_factory.mktemp("base") / "tiny"))


def test_heads_are_on_the_device_that_the_texts_go_to(base: str) -> None:
    """The device that only knows shapes stands for a GPU: heads are fitted on the CPU all the same."""
    none = PatternSources()
    inputs = read_inputs(base, EXAMPLES, outside=[], sources=none, entities=[], settings=SETTINGS, seed=0, device="cpu")
    elsewhere = replace(inputs, device=torch.device("meta"))
    network = fitted_to(elsewhere, EXAMPLES, [], lambda share: None).network
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_heads_learn_and_are_judged_on_a_gpu(base: str, tmp_path: Path) -> None:
    dev = [Example(text="hello hello", intent="greet"), Example(text="my order", intent="out_of_scope")]
    report = train_nlu(EXAMPLES, out=tmp_path, base=base, settings=SETTINGS, dev=dev, device="cuda")
    assert report.held_out["intent_accuracy"] == 1.0
    (parse,) = NluModel.load(tmp_path, device="cuda").parse_batch(["hello hi"])
    assert parse.intent.name == "greet"


def test_a_seed_decides_every_weight_of_the_heads(base: str, tmp_path: Path) -> None:
    """Those of intents start at their texts, whatever the seed; the others anywhere."""
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        train_nlu(EXAMPLES, out=tmp_path / name, base=base, settings=SETTINGS, seed=seed, device="cpu")
    first, again, other = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "again", "other"))
    assert [name for name, weight in first.items() if not torch.equal(weight, again[name])] == []
    for name in ("tag.weight", "role.weight", "group.weight"):
        assert not torch.equal(first[name], other[name]), name
