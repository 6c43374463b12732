"""A published Rasa 3 assistant, as it is, beside the repository; skipped where it is not there."""

from pathlib import Path

import pytest

from bot.dialogue.project import LoopStep, OrStep
from bot.folder import load_folder

HELPDESK = Path(__file__).resolve().parents[3] / "shared" / "data" / "assistants" / "helpdesk"


@pytest.mark.skipif(not HELPDESK.is_dir(), reason="the assistant is not beside the repository")
def test_the_helpdesk_assistant_loads():
    project = load_folder(HELPDESK, env={})
    assert len(project.nlu.examples) > 400
    assert project.nlu.synonyms["urgent"] == "high"
    assert (len(project.stories), len(project.rules), len(project.tests)) == (14, 7, 12)
    assert isinstance(project.rules[3].steps[0], OrStep)
    assert project.rules[4].condition == (LoopStep(name="open_incident_form", line=29),)
    assert project.domain.intents["open_incident"].used_entities == ()
    assert project.domain.session_config.session_expiration_time == 0
    assert [part.name for part in project.config.pipeline][-2:] == ["DucklingEntityExtractor", "EntitySynonymMapper"]
    assert project.endpoints["action_endpoint"].url == "http://localhost:5055/webhook"
    assert any("version 2.0 is read as 3.1" in notice for notice in project.notices)
