"""Releases without weights: real files and manifests, and models that answer from a table."""

import json
from pathlib import Path

from engine_parts import FakeModels, project

from bot.dialogue.policies.ensemble import train
from bot.release import Release, ReleaseDraft

DOMAIN = 'intents: [greet]\nresponses:\n  utter_greet: [{{text: "{words}"}}]\n'
RULES = 'version: "3.1"\nrules:\n- {rule: greet, steps: [{intent: greet}, {action: utter_greet}]}\n'
MEANINGS = {"hi": ("greet", 0.95), "你好": ("greet", 0.95)}


def build_release(models: Path, words: str) -> Release:
    """A release that greets with these words."""
    domain = DOMAIN.format(words=words)
    files = {
        "config.yml": "language: en\npipeline: []\npolicies: []\n",
        "domain.yml": f'version: "3.1"\n{domain}',
        "data/rules.yml": RULES,
    }
    draft = ReleaseDraft(models)
    parts = {
        "project/project.json": files,
        "policy/policy.json": train(project(domain, RULES.partition("\n")[2])).to_json(),
        "nlu/words.json": {"words": words},
    }
    for name, value in parts.items():
        folder = draft.add(name.partition("/")[0], words)
        folder.mkdir()
        (draft.folder / name).write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return draft.finish({"accuracy": 0.9})


class FakeReleaseModels:
    """Stands for ``bot.models.ReleaseModels``: loading reads nothing but the id."""

    @staticmethod
    def load(release: Release, **_options: object) -> FakeModels:
        return FakeModels(MEANINGS, release_id=release.id)
