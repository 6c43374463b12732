"""``docs/benchmarks.md``: the kept results of ``bench_nlu`` as tables, with the figures to reach beside them."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from training.bench_nlu import Result
from training.bench_nlu_rows import BARS, TRAININGS, Bar

_ALL = (
    ("intent_accuracy", "intents", 100),
    ("intent_macro_f1", "macro F1", 100),
    ("in_scope_accuracy", "in scope", 100),
    ("out_of_scope_recall", "out-of-scope recall", 100),
    ("out_of_scope_precision", "precision", 100),
    ("out_of_scope_auroc", "AUROC", 100),
    ("entity_f1", "entities F1", 100),
    ("ece", "ECE", 1),
    ("threshold", "threshold", 1),
    ("train_s", "training, s", 1),
)


def to_markdown(results: Sequence[Result], current: Mapping[str, str]) -> str:
    """The page. ``current``: the fingerprint that each training has now; a result of another one is marked."""
    good = [result for result in results if not result.fault]
    devices = [on_gpu for on_gpu in (False, True) if any(result.on_gpu == on_gpu for result in good)]
    parts = [_head(good, devices), _bars(good, current, devices), _figures(good, current), _how()]
    return "\n\n".join(parts) + "\n"


def _head(results: Sequence[Result], devices: Sequence[bool]) -> str:
    lines = ["# Benchmarks", "", "Understanding, with the default configuration, measured by `kefu bench nlu`."]
    for on_gpu in devices:
        own = [result for result in results if result.on_gpu == on_gpu]
        made = sorted(result.made[:10] for result in own)
        for words in dict.fromkeys(_machine(result) for result in own):
            days = made[0] if made[0] == made[-1] else f"{made[0]} to {made[-1]}"
            lines += ["", f"- {'GPU' if on_gpu else 'CPU'}: {words}; {days}"]
    return "\n".join(lines)


def _machine(result: Result) -> str:
    on = result.machine
    gpu = f"{on['gpu']}, " if result.on_gpu else ""
    return (
        f"{gpu}{on['cpu']}, {on['cores']} cores, {on['memory']}; Python {on['python']}, torch {on['torch']}, "
        f"Kefu {on['kefu']}"
    )


def _bars(results: Sequence[Result], current: Mapping[str, str], devices: Sequence[bool]) -> str:
    columns = ["GPU" if on_gpu else "CPU" for on_gpu in devices]
    lines = [
        "## What is to be reached",
        "",
        f"| set | to reach | {' | '.join([*columns, 'what others reach'])} |",
        f"|---|---|{'---|' * (len(columns) + 1)}",
    ]
    for bar in BARS:
        cells = [_reached(bar, [result for result in results if result.on_gpu == gpu], current) for gpu in devices]
        lines.append(f"| {' | '.join([bar.what, _wanted(bar), *cells, bar.others or '–'])} |")
    return "\n".join([*lines, "", "Bold is reached. ± is the standard deviation over the seeds."])


def _wanted(bar: Bar) -> str:
    return f"{_number(bar.least, bar)}" if bar.least is not None else f"at most {_number(bar.most or 0.0, bar)}"


def _reached(bar: Bar, results: Sequence[Result], current: Mapping[str, str]) -> str:
    """The mean over the seeds, bold where it is enough; a cross where the code or data has changed since."""
    own = [result for result in results if result.training == bar.training]
    values = [value for result in own if (value := _value(bar, result, results)) is not None]
    if not values:
        return "not measured"
    value = mean(values)
    enough = value >= bar.least if bar.least is not None else value <= (bar.most or 0.0)
    shown = _number(value, bar)
    shown = f"**{shown}**" if enough else shown
    shown += f" ± {_number(stdev(values), bar, unit=False)}" if len(values) > 1 else ""
    return shown + _mark(own, current)


def _value(bar: Bar, result: Result, results: Sequence[Result]) -> float | None:
    found = result.exams.get(bar.exam, {}).get(bar.figure)
    if found is None:
        return None
    if bar.behind is None:
        return 100 * found if bar.unit == "%" else found
    training, exam = bar.behind
    others = [other.exams.get(exam, {}).get(bar.figure) for other in results if other.training == training]
    known = [other for other in others if other is not None]
    return 100 * (mean(known) - found) if known else None


def _number(value: float, bar: Bar, *, unit: bool = True) -> str:
    match bar.unit:
        case "error":
            return f"{value:.3f}"
        case "s" | "/s" | "MB":
            return f"{value:.0f}" + (f" {bar.unit}" if unit else "")
        case "ms":
            return f"{value:.1f}" + (" ms" if unit else "")
        case "points":
            return f"{value:.1f}"
        case _:
            return f"{value:.1f}"


def _mark(results: Sequence[Result], current: Mapping[str, str]) -> str:
    stale = [result for result in results if result.fingerprint != current.get(result.training)]
    return " †" if stale else ""


def _figures(results: Sequence[Result], current: Mapping[str, str]) -> str:
    lines = [
        "## Every figure",
        "",
        f"| set | seeds | {' | '.join(label for _, label, _ in _ALL)} |",
        f"|---|---|{'---|' * len(_ALL)}",
    ]
    stale = False
    for training in TRAININGS:
        for on_gpu in (False, True):
            own = [r for r in results if r.training == training.name and r.on_gpu == on_gpu]
            seeds = ", ".join(str(result.seed) for result in own)
            for exam in own[0].exams if own else ():
                cells = [_cell([result.exams[exam].get(key) for result in own], scale) for key, _, scale in _ALL]
                name = training.name + ("" if exam == "test" else f", {exam}") + (" (GPU)" if on_gpu else "")
                lines.append(f"| {name}{_mark(own, current)} | {seeds} | {' | '.join(cells)} |")
            stale |= bool(_mark(own, current))
    return "\n".join([*lines, *(["", "† measured with earlier code or data."] if stale else [])])


def _cell(values: Sequence[float | None], scale: int) -> str:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return "–"
    value = scale * mean(known)
    return f"{value:.1f}" if scale == 100 or value >= 10 else f"{value:.3f}"


def _how() -> str:
    return """## How

```bash
make bench-nlu
make bench-nlu-full
```

The first runs the 10-shot sets and the helpdesk assistant, the second all sets; both write this page. The sets are
public and no part of the repository: `make bench-nlu DATA=FOLDER` finds them as Rasa YAML in `nlu/SET/train.yml`,
`test.yml` and, for some, `dev.yml`; a set that is not there is left out, and said. Every training runs in a process
of its own. One configuration serves all sets; it was chosen on training and dev splits. Temperature and threshold are
found on a fifth of the training data, for clinc150 and banking77_oos on their dev files. A training that takes ten
minutes or more runs with one seed, others with three. The helpdesk assistant has no test messages: its accuracy is
that of a cross-validation in three parts, its seconds those of a training on all. Speed and memory are of a process
that does nothing else, with one thread. [The command](commands.md#kefu-evaluate-nlu) says what the columns mean."""
