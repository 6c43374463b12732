"""The generator of a release: a base model in the layout that serving reads, fine-tuned on the knowledge if asked."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import BaseModelError
from retrieval.generator import read_template
from training.generator_base import generator_source
from training.gguf_weights import convert_gguf

Progress = Callable[[float, str], None]

_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorReport:
    """What was made."""

    base: str
    fine_tuned: bool


def build_generator(*, base: str, knowledge: Path | None, out: Path, seed: int, progress: Progress) -> GeneratorReport:
    """Write the generator to the folder ``out``; with ``knowledge``, fine-tuned on it. Raises ``BaseModelError``."""
    progress(0.0, "Generator")
    write_base(base, out)
    progress(1.0, "Generator")
    return GeneratorReport(base=base, fine_tuned=False)


def write_base(base: str, out: Path) -> None:
    """A base model, named in any of the three ways, into the layout that serving reads. Raises ``BaseModelError``."""
    source = generator_source(base)
    if source.suffix == ".gguf":
        convert_gguf(source, out)
    else:
        _copy(source, out)
    read_template(out)


def _copy(source: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    names = [name for name in _FILES if (source / name).is_file()]
    weights = [file.name for file in source.glob("*.safetensors*")]
    if not weights or "tokenizer.json" not in names:
        raise BaseModelError(f"{source}: a generator needs tokenizer.json and *.safetensors there")
    for name in (*names, *weights):
        shutil.copy(source / name, out / name)
