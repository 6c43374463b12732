"""Learning from yesterday's conversations, behind a gate: what is worse than the running release is not published.

A fifth of what is learned is kept out of training for good (``tests/held_out.csv``, chosen by hash), so the running
release and the candidate are compared on messages that neither has seen.
"""

import csv
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bot.delivery.transcript import TurnTranscript
from bot.dialogue.annotation import format_example
from bot.dialogue.parse import Json
from bot.dialogue.project import NluExample
from bot.folder import load_folder, read_sources
from bot.paths import AssistantPaths
from bot.release import current_release, promote
from training.assess import Scores, assess, read_held_out
from training.confirmed import write_answers
from training.corrections import Correction, Lessons, lessons, merged, read_confirmed, read_labels
from training.train import TrainOptions, train

HELD_OUT_SHARE = 0.2

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it. ``release``: the candidate, if there is one; it stays on disk even when not published."""

    published: bool
    reason: str
    learned: tuple[Correction, ...]
    lessons: Lessons
    release: str | None = None
    running: Scores | None = None
    candidate: Scores | None = None

    def to_json(self) -> Mapping[str, Json]:
        """Everything, for programs."""
        return asdict(self)

    def to_text(self) -> str:
        """The same, for people."""
        lines = [f"{len(self.learned)} corrections, {len(self.lessons.questions)} confirmed questions"]
        lines += [f"  {entry.source}: {entry.text!r} -> {entry.intent}" for entry in self.learned[:20]]
        lines += [f"  disliked, please look at it: {text!r}" for text, _ in self.lessons.disliked[:20]]
        if self.running and self.candidate:
            lines.append(f"stories passed: running {self.running.stories:.1%}, candidate {self.candidate.stories:.1%}")
            lines.append(
                f"held-out messages right: running {self.running.messages:.1%}, candidate {self.candidate.messages:.1%}"
                f" (of {self.candidate.held_out})"
            )
        lines.append(("published: " if self.published else "not published: ") + self.reason)
        return "\n".join(lines)


def retrain(
    folder: Path,
    *,
    transcripts: Sequence[TurnTranscript],
    labels: Path | None,
    dry_run: bool,
    generator: bool | None = None,
    progress: Progress,
) -> Outcome:
    """Learn, compare, and publish what is not worse. Only then the assistant's files are changed.

    ``generator``: as in TrainOptions. Raises ProjectFaults for a faulty folder or table, ReleaseError without a
    running release.
    """
    paths = AssistantPaths(folder)
    project = load_folder(folder, env=os.environ)
    found = lessons(transcripts, project.domain)
    given = read_labels(labels, project.domain) if labels else ()
    held_out_file = folder / "tests" / "held_out.csv"
    known = {example.text for example in project.nlu.examples} | {text for text, _ in read_held_out(held_out_file)}
    learned = tuple(entry for entry in merged([*given, *found.corrections]) if entry.text not in known)
    confirmed = read_confirmed(paths.confirmed_questions)
    found = replace(
        found,
        questions=tuple(text for text in found.questions if text not in confirmed),
        answers=tuple(pair for pair in found.answers if pair[0] not in confirmed),
    )
    if dry_run or not (learned or found.questions):
        reason = "a dry run" if dry_run else "nothing new to learn"
        return Outcome(published=False, reason=reason, learned=learned, lessons=found)
    running = current_release(paths.models)
    taught = [entry for entry in learned if not _is_held_out(entry.text)]
    kept_out = [(entry.text, entry.intent) for entry in learned if _is_held_out(entry.text)]
    extra = tuple(NluExample(text=entry.text, intent=entry.intent) for entry in taught)
    options = TrainOptions(generator=generator, extra=extra, questions=found.questions, answers=found.answers)
    release = train(project, read_sources(folder), paths=paths, options=options, progress=progress)
    held_out = [*read_held_out(held_out_file), *kept_out]
    before, after = assess(running, project, held_out), assess(release, project, held_out)
    published = after.stories >= before.stories and after.messages >= before.messages
    if published:
        _write_corrections(paths.corrections, taught)
        _write_held_out(held_out_file, held_out)
        _write_questions(paths.confirmed_questions, found.questions)
        write_answers(paths.confirmed_answers, found.answers)
        promote(paths.models, release.id)
    return Outcome(
        published=published,
        reason="not worse than the running release" if published else "worse than the running release",
        learned=learned,
        lessons=found,
        release=release.id,
        running=before,
        candidate=after,
    )


def _is_held_out(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] < HELD_OUT_SHARE * 256


def _write_corrections(path: Path, taught: Sequence[Correction]) -> None:
    """Append to ``data/corrections.yml``, an NLU file like any other."""
    if not taught:
        return
    text = path.read_text("utf-8") if path.is_file() else 'version: "3.1"\n\nnlu:\n'
    for intent in dict.fromkeys(entry.intent for entry in taught):
        texts = (" ".join(entry.text.split()) for entry in taught if entry.intent == intent)
        examples = (format_example(NluExample(text=text, intent=intent)) for text in texts)
        text += f"- intent: {intent}\n  examples: |\n" + "".join(f"    - {example}\n" for example in examples)
    path.write_text(text, "utf-8")


def _write_held_out(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "intent"), *rows])


def _write_questions(path: Path, questions: Sequence[str]) -> None:
    path.write_text("".join(f"{text}\n" for text in dict.fromkeys([*read_confirmed(path), *questions])), "utf-8")
