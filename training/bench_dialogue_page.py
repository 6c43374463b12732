"""The section of ``docs/benchmarks.md`` that ``kefu bench dialogue`` writes."""

from collections.abc import Sequence

from training.bench_dialogue import Result

_COLUMNS = (
    ("actions", "actions right"),
    ("turns", "turns right"),
    ("stories", "stories right"),
    ("said", "decided"),
    ("precision", "right of those decided"),
)


def to_markdown(results: Sequence[Result]) -> str:
    """The section: a table for each set."""
    last = results[-1]
    parts = [f"## Dialogue\n\nPolicies on stories that they have not seen, in %; {last.machine}; {last.made}."]
    for result in results:
        lines = [
            f"### {result.name}: {result.stories} held-out stories",
            "",
            f"| policies | {' | '.join(title for _, title in _COLUMNS)} |",
            f"|---|{'---|' * len(_COLUMNS)}",
        ]
        for team, figures in result.teams.items():
            cells = (f"{100 * figures[key]:.1f}" for key, _ in _COLUMNS)
            lines.append(f"| {team} | {' | '.join(cells)} |")
        lines += ["", f"The network learned in {result.learn_s:.1f} s."]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, _HOW])


_HOW = """```bash
make bench-dialogue
```

Of the helpdesk assistant and the starter, each story is held out in turn, with all its alternatives, and all policies
are made from the others. Of SGD (2,098 dialogues of the Schema-Guided Dialogue corpus, as stories: see
`training/sgd_stories.py`), a fifth is held out once. A turn is right if all of its actions are. What no policy decides
counts as wrong, even where the bot would only listen; "decided" is how often one did, the fallback of the rules
included. Memoisation has the `max_history` of the assistant, for SGD the best of 2, 4 and none."""
