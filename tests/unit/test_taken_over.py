"""What training takes over from the current release, and what it makes again: bases, thresholds, synonyms, names."""

import os
import shutil
from pathlib import Path

import pytest
from tiny_encoder import write_tiny_bert

from bot.commands.learn import train_and_promote
from bot.folder import load_folder, read_sources
from bot.paths import AssistantPaths
from bot.release import Release, promote
from nlu.base import resolve_base
from nlu.errors import BaseNotFound
from nlu.model import NluModel
from retrieval.encoder import TextEncoder
from retrieval.index import KnowledgeIndex
from retrieval.provenance import Origin, save_origins
from training import base_state as base_state_module
from training.base_state import base_state
from training.train import TrainOptions, train

pytestmark = pytest.mark.usefixtures("one_thread")

EXAMPLES = """nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good morning
- intent: ship
  examples: |
    - ship it to [paris](city)
    - send it to [berlin](city)
    - please ship it
- regex: zipcode
  examples: |
    - \\b\\d{5}\\b
"""
DOMAIN = "intents: [greet, ship]\nentities: [city]\n"


class Shop:
    """An assistant folder with a base model of its own, trained by the real training."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.base = folder, folder / "my-encoder"
        write_tiny_bert(self.base)
        self.write()

    def write(self, *kefu: str, nlu: str = EXAMPLES, domain: str = DOMAIN) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        settings = "".join(f"  {line}\n" for line in (f"encoder: {self.base}", *kefu))
        for name, text in (("config", f"kefu:\n{settings}"), ("domain", domain), ("data/nlu", nlu)):
            (self.folder / f"{name}.yml").write_text(text, "utf-8")

    def train(self) -> Release:
        release = train(
            load_folder(self.folder, env={}),
            read_sources(self.folder),
            paths=AssistantPaths(self.folder),
            options=TrainOptions(fast=True),
            progress=lambda share, what: None,
        )
        return promote(AssistantPaths(self.folder).models, release.id)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def learned_anew(first: Release, second: Release) -> bool:
    return not (first.folder / "nlu/model.safetensors").samefile(second.folder / "nlu/model.safetensors")


def other_weights(base: Path) -> None:
    """Weights of the same names, shapes and size, as another fine-tuning gives them."""
    weights = base / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-4:] = bytes(reversed(data[-4:]))
    weights.write_bytes(data)


def test_new_weights_under_an_old_name_are_learned_from(shop: Shop) -> None:
    first = shop.train()
    os.utime(shop.base / "model.safetensors")  # as a copy of the same weights would be
    again = shop.train()
    assert not learned_anew(first, again)
    other_weights(shop.base)
    assert learned_anew(again, shop.train())


def test_a_base_that_is_gone_is_needed_only_to_learn(shop: Shop) -> None:
    first = shop.train()
    shutil.rmtree(shop.base)
    assert not learned_anew(first, shop.train())
    shop.write(nlu=EXAMPLES.replace("hi there", "hi you"))
    with pytest.raises(BaseNotFound):
        shop.train()


def test_thresholds_synonyms_and_names_are_told_without_learning(shop: Shop) -> None:
    first = shop.train()
    found = NluModel.load(first.folder / "nlu").threshold
    shop.write("nlu_threshold: 0.97", nlu=f"{EXAMPLES}- synonym: Paris, France\n  examples: |\n    - paris\n")
    told = shop.train()
    shop.write(domain=DOMAIN.replace("[city]", "[city, colour]"))
    back = shop.train()
    for release, threshold, value in ((first, found, "paris"), (told, 0.97, "Paris, France"), (back, found, "paris")):
        manifest = NluModel.load(release.folder / "nlu").manifest
        assert manifest.threshold == release.metrics["nlu"]["threshold"] == threshold  # type: ignore[call-overload,index]
        assert manifest.patterns.synonyms["paris"] == value
        assert not learned_anew(first, release)
    assert found != 0.97


def test_a_pattern_that_becomes_an_entity_is_learned(shop: Shop) -> None:
    first = shop.train()
    assert not NluModel.load(first.folder / "nlu").parse_batch(["it is 12345"])[0].entities
    shop.write(domain=DOMAIN.replace("[city]", "[city, zipcode]"))
    second = shop.train()
    assert learned_anew(first, second)
    assert [found.entity for found in NluModel.load(second.folder / "nlu").parse_batch(["it is 12345"])[0].entities]


def test_another_address_of_a_page_is_another_knowledge(shop: Shop) -> None:
    knowledge = shop.folder / "knowledge"
    knowledge.mkdir()
    (knowledge / "ship.md").write_text("# Shipping\n\nWe ship to Berlin and Paris within two days.\n", "utf-8")

    def moved_to(place: str) -> tuple[Release, str | None]:
        origin = Origin(source=place, place=place, fetched="2026-11-01T00:00:00+00:00", sha256="0")
        save_origins(knowledge, {"ship.md": origin})
        release = shop.train()
        index = KnowledgeIndex.load(release.folder / "knowledge/index", TextEncoder.load(shop.base))
        return release, index.passages[0].url

    first, url = moved_to("https://old.example/ship")
    assert url == "https://old.example/ship"
    assert moved_to("https://new.example/ship")[1] == "https://new.example/ship"
    assert not learned_anew(first, shop.train())


def test_what_training_noticed_is_said_whenever_it_is_taken_over(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write(nlu=EXAMPLES.replace("    - hi there\n", "    - hi there\n    - hello\n"))
    for _ in range(2):
        train_and_promote(shop.folder, fast=True)
        said = capsys.readouterr().err
        assert "Understanding: 1 examples were empty or repeated and were left out" in said
        assert "Understanding: fewer than 5 examples: greet, ship" in said


def test_weights_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = str(write_tiny_bert(tmp_path / "tiny"))
    first = base_state(name, resolve_base, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(base_state_module, "sha256_file", None)
        assert base_state(name, resolve_base, tmp_path) == first
    for torn in ("{", "[]", '{"model.safetensors": null}'):
        (tmp_path / base_state_module.KEPT).write_text(torn, "utf-8")
        assert base_state(name, resolve_base, tmp_path) == first


def test_weights_of_the_same_size_and_time_are_others(tmp_path: Path) -> None:
    weights = write_tiny_bert(tmp_path / "tiny") / "model.safetensors"
    first = base_state(str(weights.parent), resolve_base, tmp_path)
    told, content = weights.stat(), bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert weights.stat().st_mtime_ns == told.st_mtime_ns
    assert base_state(str(weights.parent), resolve_base, tmp_path) != first


def test_a_package_is_told_by_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_bert(tmp_path / "kefu_tiny_weights" / "model")
    monkeypatch.syspath_prepend(str(tmp_path))
    first = base_state("package:kefu_tiny_weights", resolve_base, tmp_path)
    assert first
    other_weights(tmp_path / "kefu_tiny_weights" / "model")
    assert base_state("package:kefu_tiny_weights", resolve_base, tmp_path) not in (None, first)
    assert base_state("package:kefu_no_weights", resolve_base, tmp_path) is None


def test_a_hub_id_is_told_by_its_revision_without_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    def unreachable(name: str) -> Path:
        raise AssertionError(name)

    assert base_state("kefu/tiny", unreachable, tmp_path) is None
    cached = tmp_path / "models--kefu--tiny"
    for revision in ("a" * 40, "b" * 40):
        write_tiny_bert(cached / "snapshots" / revision)
        (cached / "refs").mkdir(exist_ok=True)
        (cached / "refs" / "main").write_text(revision)
        assert base_state("kefu/tiny", unreachable, tmp_path) == revision
    assert base_state("no such name", unreachable, tmp_path) is None
