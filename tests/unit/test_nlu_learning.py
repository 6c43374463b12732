"""How the encoder learns: adapters, several batches a step, early stopping, seeds, and the course as events."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_encoder import write_tiny_bert
from torch import nn

from bot.cli import main
from nlu.data import EntitySpan, Example, PatternSources
from nlu.encoder import Encoder, Layer
from nlu.network import IntentHead, Network
from training import nlu_logs
from training.nlu import NluReport, train_nlu
from training.nlu_adversary import Adversary
from training.nlu_fit import Learned, NluSettings, fit
from training.nlu_inputs import Inputs, read_inputs
from training.nlu_loss import held_out, joint_loss, scores_of
from training.nlu_task import Task

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = [
    *(Example(text=text, intent="greet") for text in ["hello", "hi", "hello hi", "hi hello", "hello you", "hi you"]),
    *(Example(text=text, intent="order") for text in ["where is my order ?", "my order number", "order ?", "order 1"]),
    *(
        Example(text=text, intent="weather")
        for text in ["what is the weather ?", "weather ?", "the weather", "weather"]
    ),
    *(
        Example(text=text, intent="bye")
        for text in ["good bye", "bye bye", "see you", "bye", "good bye !", "see you !"]
    ),
]
TOWNS = ["berlin", "paris", "new york", "北京"]
STARTS = [
    *("i want to fly to ", "book a flight from ", "我要去", "fly to ", "fly from ", "a flight to ", "to "),
    *("i want to see ", "where is ", "from "),
]
FLIGHTS = [
    Example(
        text=start + town,
        intent="fly",
        entities=(EntitySpan(start=len(start), end=len(start) + len(town), entity="city"),),
    )
    for start in STARTS
    for town in TOWNS
]
EXAMPLES = [*PLAIN, *FLIGHTS]
SETTINGS = NluSettings(
    epochs=4,
    learning_rate=3e-3,
    head_learning_rate=2e-2,
    lora_learning_rate=2e-2,
    frozen_layers=0,
    general_outside=False,
    half_precision=False,
)
ADAPTED = replace(SETTINGS, lora_rank=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_bert(tmp_path_factory.mktemp("base") / "tiny"))


class Course(list[tuple[str, float, int]]):
    """What a fit told of itself."""

    def record(self, name: str, value: float, step: int) -> None:
        self.append((name, value, step))

    def of(self, name: str) -> list[float]:
        return [value for kind, value, _ in self if kind == name]


def inputs_of(base: str, examples: list[Example], settings: NluSettings) -> Inputs:
    none = PatternSources(regexes={}, lookups={}, synonyms={})
    return read_inputs(base, examples, outside=[], sources=none, entities=[], settings=settings, seed=0, device="cpu")


def learn(
    base: str,
    settings: NluSettings,
    examples: list[Example] = EXAMPLES,
    *,
    held: list[Example] | None = None,
    seed: int = 0,
    course: Course | None = None,
) -> Learned:
    inputs = inputs_of(base, examples, settings)
    task = Task(examples, rejects=False, sources=inputs.sources, encoder=inputs.text_encoder())
    return fit(
        inputs.base,
        task,
        task.items(examples),
        held=task.items(held or []),
        vectors=inputs.vectors,
        settings=settings,
        seed=seed,
        device=inputs.device,
        ticks=lambda share: None,
        record=None if course is None else course.record,
    )


def alike(first: Network, second: Network) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


# adapters


def test_adapters_leave_a_plain_network(base: str) -> None:
    network = learn(base, ADAPTED).network
    plain = learn(base, SETTINGS).network
    assert [(name, weight.shape) for name, weight in network.state_dict().items()] == [
        (name, weight.shape) for name, weight in plain.state_dict().items()
    ]
    kinds = {type(module) for module in network.modules()}
    assert kinds == {
        *(Network, Encoder, Layer, IntentHead),
        *(nn.Embedding, nn.LayerNorm, nn.Linear, nn.Dropout, nn.ModuleList),
    }
    assert not hasattr(network.encoder, "peft_config")


def test_adapters_change_matrices_by_their_rank_and_nothing_else_of_the_layers(base: str) -> None:
    before = inputs_of(base, EXAMPLES, ADAPTED).base.weights
    after = learn(base, ADAPTED).network.encoder.state_dict()
    matrices = {f"layers.{layer}.{name}.weight" for layer in (0, 1) for name in ("qkv", "out", "up", "down")}
    for name, weight in before.items():
        if name in matrices:
            sizes = torch.linalg.svdvals(after[name] - weight)
            assert sizes[1] > 1e-3  # both directions learned
            assert sizes[2] < 1e-5
        else:
            assert torch.equal(after[name], weight)


def test_frozen_layers_get_no_adapters(base: str) -> None:
    before = inputs_of(base, EXAMPLES, ADAPTED).base.weights
    for frozen in (1, 2):  # of two layers
        after = learn(base, replace(ADAPTED, frozen_layers=frozen)).network.encoder.state_dict()
        changed = {name.split(".")[1] for name, weight in before.items() if not torch.equal(after[name], weight)}
        assert changed == ({"1"} if frozen == 1 else set())


def test_words_that_the_vocabulary_lacks_learn_beside_adapters(base: str) -> None:
    examples = [*PLAIN, *(Example(text=text, intent="refund") for text in ["退款", "我要退款", "退款 ?", "要退款"])]
    grown = [learn(base, replace(ADAPTED, epochs=epochs), examples).network.encoder.grown for epochs in (1, 4)]
    assert grown[0] is not None
    assert grown[1] is not None
    assert not torch.equal(grown[0].weight, grown[1].weight)


def test_adapters_learn_intents_and_entities(base: str, tmp_path: Path) -> None:
    course = Course()
    learn(base, replace(ADAPTED, epochs=30, dropout=0.0), held=EXAMPLES, course=course)
    assert course.of("held_out/accuracy")[-1] == 1.0
    assert course.of("held_out/entities")[-1] == 1.0


# several batches a step


def test_batches_of_a_step_are_as_good_as_one(base: str) -> None:
    whole = replace(SETTINGS, dropout=0.0, batch_size=16)
    parts = replace(whole, batch_size=4, accumulate=4)
    courses = [Course(), Course()]
    networks = [
        learn(base, settings, PLAIN, course=course).network
        for settings, course in zip((whole, parts), courses, strict=True)
    ]
    steps = 4 * math.ceil(len(PLAIN) / 16)  # 20 examples: the last step of a pass has a batch only
    assert [len(course.of("loss")) for course in courses] == [steps, steps]
    assert courses[0].of("loss") == pytest.approx(courses[1].of("loss"), rel=1e-3)
    for (name, a), b in zip(networks[0].named_parameters(), networks[1].parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-3), name


# early stopping


@pytest.mark.parametrize("settings", [SETTINGS, ADAPTED], ids=["all weights", "adapters"])
def test_the_weights_of_the_best_pass_come_back(base: str, settings: NluSettings) -> None:
    patient = replace(settings, epochs=60, patience=3)
    course = Course()
    held = [Example(text=text, intent=intent) for text, intent in [("hello the", "order"), ("bye 1", "bye")]]
    learned = learn(base, patient, held=held, course=course)
    seen = list(zip(course.of("held_out/accuracy"), course.of("held_out/loss"), strict=True))
    entities = course.of("held_out/entities")
    ranks = [((accuracy + e) / 2, -loss) for (accuracy, loss), e in zip(seen, entities, strict=True)]
    assert learned.passes == 1 + ranks.index(max(ranks))
    assert len(seen) == learned.passes + 3 < 60
    inputs = inputs_of(base, EXAMPLES, patient)
    task = Task(EXAMPLES, rejects=False, sources=inputs.sources, encoder=inputs.text_encoder())
    again = held_out(learned.network, task, task.items(held), inputs.device)
    assert again.rank == pytest.approx(max(ranks), rel=1e-4)


def test_without_patience_all_passes_are_made(base: str) -> None:
    course = Course()
    learned = learn(base, SETTINGS, held=PLAIN, course=course)
    assert learned.passes == len(course.of("held_out/loss")) == 4


def trained(base: str, out: Path, settings: NluSettings, **more: object) -> NluReport:
    return train_nlu(EXAMPLES, out=out, base=base, settings=settings, device="cpu", **more)  # type: ignore[arg-type]


def test_the_model_takes_as_many_passes_as_its_trial_was_best_after(base: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=40, patience=2)
    report = trained(base, tmp_path / "nlu", settings, logs=tmp_path / "logs")
    trial, final = events(tmp_path / "logs/trial"), events(tmp_path / "logs/final")
    passes = len(trial["held_out/loss"])
    assert passes < 40
    assert report.passes == passes - 2 == len(final["seconds"])
    assert "held_out/loss" not in final  # it has learned everything
    assert final["learning_rate"][-1] < SETTINGS.head_learning_rate / 2  # which is laid out for these passes


def test_dev_messages_say_when_the_model_itself_stops(base: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=40, patience=2)
    dev = [Example(text="hello see", intent="greet"), Example(text="the number", intent="out_of_scope")]
    report = trained(base, tmp_path / "nlu", settings, dev=dev, logs=tmp_path / "logs")
    passes = len(events(tmp_path / "logs/final")["held_out/loss"])
    assert report.passes in {passes - 2, 40}
    assert not (tmp_path / "logs/trial").exists()


# seeds


@pytest.mark.parametrize(
    "settings",
    [SETTINGS, ADAPTED, replace(ADAPTED, batch_size=4, accumulate=3), replace(SETTINGS, patience=1)],
    ids=["all weights", "adapters", "several batches", "patience"],
)
def test_a_seed_decides_every_weight(base: str, tmp_path: Path, settings: NluSettings) -> None:
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        trained(base, tmp_path / name, settings, seed=seed)
    first, again, other = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "again", "other"))
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())
    assert not torch.equal(first["intent.weight"], other["intent.weight"])
    assert not torch.equal(first["encoder.layers.1.qkv.weight"], other["encoder.layers.1.qkv.weight"])


# events


def events(folder: Path) -> dict[str, list[float]]:
    read = EventAccumulator(str(folder)).Reload()
    return {tag: [event.value for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_events_tell_the_course_in_numbers_only(base: str, tmp_path: Path) -> None:
    trained(base, tmp_path / "nlu", SETTINGS, logs=tmp_path / "logs")
    trial, final = events(tmp_path / "logs/trial"), events(tmp_path / "logs/final")
    assert set(final) == {"loss", "learning_rate", "seconds"}
    assert set(trial) == {*final, "held_out/accuracy", "held_out/entities", "held_out/loss"}
    steps = 4 * math.ceil(len(EXAMPLES) / 16)
    assert len(final["loss"]) == len(final["learning_rate"]) == steps
    assert len(final["seconds"]) == len(trial["held_out/accuracy"]) == 4
    assert final["loss"][-1] < final["loss"][0]
    assert max(final["learning_rate"]) == pytest.approx(SETTINGS.head_learning_rate)
    assert final["learning_rate"][-1] < final["learning_rate"][1]
    written = b"".join(path.read_bytes() for path in (tmp_path / "logs").rglob("*") if path.is_file())
    for word in ("hello", "weather", "fly", "city", "北京"):
        assert word.encode() not in written


def test_writing_events_changes_no_weight(base: str, tmp_path: Path) -> None:
    trained(base, tmp_path / "silent", SETTINGS)
    trained(base, tmp_path / "told", SETTINGS, logs=tmp_path / "logs")
    silent, told = (load_file(tmp_path / name / "model.safetensors") for name in ("silent", "told"))
    assert all(torch.equal(weight, told[name]) for name, weight in silent.items())


def shop(folder: Path, base: str) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "domain.yml").write_text("intents: [greet, bye]\nresponses: {utter_hi: [{text: Hi}]}\n")
    (folder / "config.yml").write_text(f"kefu: {{encoder: {base}, nlu: {{epochs: 2, lora_rank: 2, patience: 1}}}}\n")
    lines = {
        intent: "".join(f"      - {example.text}\n" for example in PLAIN if example.intent == intent)
        for intent in ("greet", "bye")
    }
    items = "".join(f"  - intent: {intent}\n    examples: |\n{text}" for intent, text in lines.items())
    (folder / "data/nlu.yml").write_text(f"nlu:\n{items}")
    return folder


def test_kefu_train_writes_events_into_a_folder_of_the_release(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path / "shop", base)
    monkeypatch.setenv("WANDB_PROJECT", "")
    assert main(["train", str(folder), "--logs", str(tmp_path / "logs")]) == 0
    (run,) = (tmp_path / "logs").iterdir()
    assert f"Trained release {run.name} in" in capsys.readouterr().out
    assert len(events(run / "final")["seconds"]) <= 2


def test_logs_without_tensorboard_say_what_to_install(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path / "shop", base)
    monkeypatch.setattr(nlu_logs, "find_spec", lambda name: None)
    assert main(["train", str(folder), "--logs", str(tmp_path / "logs")]) == 2
    assert "pip install -c constraints.txt -e '.[logs]'" in capsys.readouterr().err
    assert not (folder / "models").exists()


def test_heads_alone_have_no_course_to_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", str(tmp_path), "--fast", "--logs", str(tmp_path / "logs")])
    assert "not allowed with argument --fast" in capsys.readouterr().err


def test_averaged_networks_lie_between_those_they_are_made_of(base: str, tmp_path: Path) -> None:
    """The seeds of the networks are 1,000 apart."""
    folders = {}
    for name, seed, networks in (("first", 0, 1), ("second", 1000, 1), ("both", 0, 2)):
        settings = replace(SETTINGS, averaged=networks, slips=0.0, threshold=0.5)
        train_nlu(EXAMPLES, out=tmp_path / name, base=base, settings=settings, seed=seed)
        folders[name] = load_file(tmp_path / name / "model.safetensors")
    for name, weights in folders["both"].items():
        mean = (folders["first"][name].float() + folders["second"][name].float()) / 2
        assert torch.allclose(weights.float(), mean, atol=5e-3), name  # written in 16 bits
    assert not torch.allclose(folders["first"]["intent.weight"], folders["second"]["intent.weight"], atol=2e-3)


@pytest.mark.parametrize("learns_norm", [True, False])
def test_the_adversary_makes_a_batch_harder_and_leaves_no_trace(base: str, learns_norm: bool) -> None:
    inputs = inputs_of(base, EXAMPLES, SETTINGS)
    task = Task(EXAMPLES, rejects=False, sources=inputs.sources, encoder=inputs.text_encoder())
    network = learn(base, replace(SETTINGS, epochs=1)).network
    network.encoder.norm.requires_grad_(learns_norm)
    batch = task.batch(task.items(EXAMPLES[:16]))

    def loss() -> torch.Tensor:
        return joint_loss(scores_of(network, batch, torch.device("cpu")), batch)

    before = loss()
    adversary = Adversary(network, 0.3)
    torch.autograd.backward(loss())
    with adversary.attack():
        attacked = loss()
    assert attacked > before
    with torch.inference_mode():
        assert float(loss()) == pytest.approx(float(before))
    adversary.remove()
    assert torch.equal(loss(), before)


def test_learning_against_an_adversary_gives_another_network(base: str) -> None:
    plain, hardened = (learn(base, replace(SETTINGS, adversary=size)).network for size in (0.0, 0.3))
    assert not alike(plain, hardened)
