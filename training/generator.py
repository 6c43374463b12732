"""The generator of a release: a base model in the layout that serving reads, fine-tuned on the knowledge if asked."""

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from retrieval.draft import Drafter
from retrieval.errors import BaseModelError
from retrieval.generator import read_template
from retrieval.ingest import read_folder
from retrieval.passages import split_documents
from training.generator_base import generator_source
from training.generator_pairs import Confirmed, Pair, make_pairs
from training.generator_tuning import TuningCourse, TuningSettings, tune
from training.gguf_weights import convert_gguf
from training.token_overlap import best_f1

Progress = Callable[[float, str], None]

FEWEST_PAIRS = 20
SCORED = 40

_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScores:
    """How held-out questions are answered, sentences checked as in serving.

    ``answered``: share of answerable questions that get at least one sentence; ``token_f1``: mean over all answerable
    ones, against the right answer, 0 where nothing is said; ``declined``: share of unanswerable ones that get nothing.
    """

    answered: float
    token_f1: float
    declined: float | None
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorReport:
    """What was made. ``before`` and ``after`` fine-tuning are None where there was none, or nothing to hold out."""

    base: str
    fine_tuned: bool
    pairs: int = 0
    course: TuningCourse | None = None
    before: AnswerScores | None = None
    after: AnswerScores | None = None


def build_generator(
    *,
    base: str,
    knowledge: Path | None,
    out: Path,
    seed: int,
    progress: Progress,
    confirmed: Confirmed = (),
    tone: str = "",
) -> GeneratorReport:
    """Write the generator to the folder ``out``; with ``knowledge``, fine-tuned on it. Raises ``BaseModelError``.

    ``confirmed`` answers are learned as far as the knowledge carries them; ``tone`` is what serving tells the model.
    The untuned model stays where the tuned one answers held-out questions worse.
    """
    progress(0.0, "Generator")
    write_base(base, out)
    passages = split_documents(read_folder(knowledge).documents) if knowledge else ()
    train, held_out = make_pairs(passages, seed=seed, confirmed=confirmed)
    if len(train) < FEWEST_PAIRS:
        progress(1.0, "Generator")
        return GeneratorReport(base=base, fine_tuned=False)
    before = score_answers(out, held_out, tone=tone) if held_out else None
    with TemporaryDirectory(dir=out.parent) as kept:
        untuned = Path(kept) / "model"
        shutil.copytree(out, untuned)
        course = tune(out, train, held_out, seed=seed, settings=TuningSettings(), tone=tone, progress=progress)
        after = score_answers(out, held_out, tone=tone) if held_out else None
        better = before is None or after is None or after.token_f1 >= before.token_f1
        if not better:
            shutil.rmtree(out)
            shutil.copytree(untuned, out)
    return GeneratorReport(base=base, fine_tuned=better, pairs=len(train), course=course, before=before, after=after)


def score_answers(folder: Path, pairs: Sequence[Pair], *, tone: str = "", limit: int = SCORED) -> AnswerScores:
    """Draft answers to pairs with the generator in ``folder``, as serving would."""
    drafter = Drafter.load(folder, tone=tone)
    f1: list[float] = []
    answered, declined, unanswerable = 0, 0, 0
    for pair in pairs[:limit]:
        drafted = drafter.stream(pair.question, pair.passages, stop=threading.Event(), earlier=pair.earlier)
        text = " ".join(sentence.text for sentence in drafted)
        if pair.declined:
            unanswerable += 1
            declined += not text
        else:
            answered += bool(text)
            f1.append(best_f1(text, [pair.answer]))
    answerable = max(1, len(f1))
    return AnswerScores(
        answered=round(answered / answerable, 3),
        token_f1=round(sum(f1) / answerable, 3),
        declined=round(declined / unanswerable, 3) if unanswerable else None,
        questions=len(pairs[:limit]),
    )


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
