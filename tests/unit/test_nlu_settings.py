"""How understanding is trained, from config.yml into training's own settings."""

from typing import get_type_hints

from bot.dialogue.config_file import NLU_FLAGS, NLU_RANGES
from bot.dialogue.load import load_config
from bot.dialogue.project import SourceFile
from training.nlu_fit import NluSettings
from training.nlu_settings import nlu_settings


def settings(text: str) -> NluSettings:
    return nlu_settings(load_config(SourceFile(path="config.yml", text=text), env={}).kefu)


def test_what_is_left_out_is_as_training_has_it() -> None:
    assert settings("language: en") == settings("kefu: {nlu: }") == settings("kefu: {nlu: {epochs: }}") == NluSettings()


def test_every_setting_reaches_training() -> None:
    given = settings(
        """
kefu:
  nlu_threshold: 0.4
  nlu:
    epochs: 7
    learning_rate: 3e-4
    layer_decay: 1
    train_words: true
    general_outside: false
    half_precision:
"""
    )
    assert given == NluSettings(
        epochs=7, learning_rate=3e-4, layer_decay=1.0, train_words=True, general_outside=False, threshold=0.4
    )


def test_the_file_knows_every_setting_of_training_and_its_type() -> None:
    elsewhere = {"threshold", "heads_only"}  # nlu_threshold beside them, and --fast
    hints = get_type_hints(NluSettings)
    whole = {name for name, hint in hints.items() if hint in (int, int | None)}
    flags = {name for name, hint in hints.items() if hint in (bool, bool | None)}
    assert set(NLU_FLAGS) == flags - elsewhere
    assert {name for name, (least, _) in NLU_RANGES.items() if isinstance(least, int)} == whole
    assert {*NLU_RANGES, *NLU_FLAGS} == hints.keys() - elsewhere
    defaults = NluSettings()
    for name, (least, most) in NLU_RANGES.items():
        value = getattr(defaults, name)
        assert value is None or least <= value <= most
