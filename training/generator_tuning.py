"""A causal model fine-tuned with LoRA on pairs, loss on the answers only, stopped where held-out loss stops falling."""

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from retrieval.generator import Generator
from retrieval.prompt import task_of
from training.generator_pairs import Pair

Progress = Callable[[float, str], None]

BATCH = 4
CHECKS_PER_EPOCH = 2
IGNORED = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings:
    """``patience``: how many checks without a lower held-out loss end the training."""

    epochs: int = 4
    rank: int = 16
    learning_rate: float = 6e-4
    patience: int = 2
    prompt_tokens: int = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningCourse:
    """Held-out loss per answer token, before and at its lowest, and the steps taken."""

    loss_before: float
    loss: float
    steps: int


Row = tuple[list[int], list[int]]
"""The tokens of a prompt, and those of its answer with the end token."""


def tune(
    folder: Path,
    train: Sequence[Pair],
    held_out: Sequence[Pair],
    *,
    seed: int,
    settings: TuningSettings,
    tone: str,
    progress: Progress,
) -> TuningCourse:
    """Fine-tune the model in ``folder`` and write the merged weights back. Seconds on a GPU, minutes on a CPU.

    ``tone`` is what it will be told of the company's way to speak.
    """
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415 - seconds to import, for those who fine-tune
    from transformers import AutoModelForCausalLM  # noqa: PLC0415
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415

    disable_progress_bar()
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = Generator.load(folder)
    rows = [_row(generator, pair, settings.prompt_tokens, tone) for pair in train]
    trial = [_row(generator, pair, settings.prompt_tokens, tone) for pair in held_out]
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).to(device)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=2 * settings.rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name that is being replaced
        model = get_peft_model(base, config)
    course = _fit(model, rows, trial, seed=seed, settings=settings, progress=progress)
    merged = model.merge_and_unload().to("cpu", torch.bfloat16)
    merged.save_pretrained(folder)
    return course


def _fit(
    model: Any, rows: Sequence[Row], trial: Sequence[Row], *, seed: int, settings: TuningSettings, progress: Progress
) -> TuningCourse:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=settings.learning_rate, weight_decay=0.01)
    per_epoch = len(list(_batches(rows, chance)))
    total = per_epoch * settings.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=total, pct_start=0.1)
    before = lowest = _loss_of(model, trial or rows)
    best = [parameter.detach().clone() for parameter in learned]
    steps, worse = 0, 0
    for _ in range(settings.epochs):
        for batch in _batches(rows, chance):
            model.train()
            loss, count = _answer_loss(model, batch)
            torch.autograd.backward(loss / count)
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            steps += 1
            progress(steps / total, "Generator")
            if steps % max(1, per_epoch // CHECKS_PER_EPOCH) == 0:
                now = _loss_of(model, trial or rows)
                worse = 0 if now < lowest else worse + 1
                if now < lowest:
                    lowest, best = now, [parameter.detach().clone() for parameter in learned]
        if worse >= settings.patience:
            break
    with torch.no_grad():
        for parameter, value in zip(learned, best, strict=True):
            parameter.copy_(value)
    return TuningCourse(loss_before=round(before, 4), loss=round(lowest, 4), steps=steps)


def _row(generator: Generator, pair: Pair, limit: int, tone: str) -> Row:
    task, _ = task_of(pair.question, pair.passages, generator, limit, tone=tone, earlier=pair.earlier)
    text = generator.prompt(task.system, task.user)
    return generator.encode(text), [*generator.encode(pair.answer), generator.end]


def _batches(rows: Sequence[Row], chance: random.Random) -> Iterator[list[Row]]:
    """Rows of like length together, the batches in random order."""
    order = sorted(rows, key=lambda row: len(row[0]) + chance.random() * 40)
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    chance.shuffle(batches)
    yield from batches


@torch.no_grad()
def _loss_of(model: Any, rows: Sequence[Row]) -> float:
    model.eval()
    losses = [_answer_loss(model, rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)]
    return float(sum(loss for loss, _ in losses) / sum(count for _, count in losses))


def _answer_loss(model: Any, rows: Sequence[Row]) -> tuple[Tensor, int]:
    """Summed cross-entropy of the answer tokens, and their number. Scores are computed at these positions only."""
    device = next(model.parameters()).device
    longest = max(len(prompt_ids) + len(answer) for prompt_ids, answer in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    wanted = torch.full_like(ids, IGNORED)
    for number, (prompt_ids, answer) in enumerate(rows):
        length = len(prompt_ids) + len(answer)
        ids[number, :length] = torch.tensor([*prompt_ids, *answer])
        mask[number, :length] = 1
        wanted[number, len(prompt_ids) - 1 : length - 1] = torch.tensor(answer)
    ids, mask, wanted = ids.to(device), mask.to(device), wanted.to(device)
    causal = model.get_base_model()
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" or _fast_bfloat16()):
        states = causal.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        at = wanted != IGNORED
        scores = causal.get_output_embeddings()(states[at])
    return functional.cross_entropy(scores.float(), wanted[at], reduction="sum"), int(at.sum())


def _fast_bfloat16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported())
