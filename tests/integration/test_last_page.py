"""The last page that can be read is taken out: the next release knows nothing, whatever else lies in the folder."""

import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.release import current_release

DOMAIN = "intents: [greet]\nresponses:\n  utter_greet:\n  - text: Hello\n"
RULES = "rules:\n- rule: greet\n  steps:\n  - intent: greet\n  - action: utter_greet\n"
NLU = "nlu:\n- intent: greet\n  examples: |\n    - hello\n    - good morning\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "knowledge" / ".git").mkdir(parents=True)
    for name, text in {
        "config.yml": "language: en\npipeline: []\npolicies: []\n",
        "domain.yml": DOMAIN,
        "data/rules.yml": RULES,
        "data/nlu.yml": NLU,
        "knowledge/returns.md": "# Returns\n\nSend the parcel back within thirty days.\n",
        "knowledge/LICENSE": "All rights reserved.",
        "knowledge/logo.png": "...",
        "knowledge/.git/notes.md": "Nobody reads this.",
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("beside", [{}, {"torn.pdf": "%PDF-1.7 torn"}])
def test_nothing_is_known_without_a_page(beside, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in beside.items():
        (shop / "knowledge" / name).write_text(text, "utf-8")
    assert main(["train", str(shop), "--fast"]) == 0
    assert current_release(shop / "models").part("knowledge")
    capsys.readouterr()
    assert main(["knowledge", str(shop), "--remove", "returns.md", "--json"]) == 0
    told = capsys.readouterr()
    assert "no pages there that can be read" in told.err
    release = current_release(shop / "models")
    assert (release.id, release.part("knowledge")) == (json.loads(told.out)["release"], None)
    assert not (release.folder / "knowledge").exists()
    assert "knowledge" not in release.metrics
