"""What a prediction costs in a long conversation, beside a short one: the policies of a release, asked in this process.

The conversation goes through the assistant's own rules and stories, over and over. Both trackers then live through
the same turns, and at each step the policies are asked of both.
"""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter

from bot.dialogue.events import ActionExecuted, Event, Restarted, SessionStarted, UserUttered
from bot.dialogue.policies.ensemble import Policies
from bot.dialogue.project import Project
from bot.dialogue.stories import dialogues
from bot.dialogue.tracker import Tracker
from bot.paths import AssistantPaths
from bot.policy_part import load_policies
from bot.release import current_release
from bot.runtime import project_of

SHORT, LONG = 50, 5_000
"""Events of the two conversations."""

_STEPS = 60
_ROUNDS = 7


def measure(folder: Path) -> dict[str, float]:
    """The figures of the promoted release of an assistant; milliseconds of a prediction. Raises ReleaseError."""
    release = current_release(AssistantPaths(folder).models)
    project = project_of(release)
    return figures(project, load_policies(release, project.domain))


def figures(project: Project, policies: Policies) -> dict[str, float]:
    """The mean over the steps of the best time at each, in both conversations, and the ratio of the two."""
    course = [event for event in _course(project) if not isinstance(event, Restarted | SessionStarted)]
    start = Tracker.start("bench", project.domain)
    short, long = (start.apply(*itertools.islice(itertools.cycle(course), size)) for size in (SHORT, LONG))
    spent = [_both(policies, pair) for pair in _steps((short, long), course)]
    short_ms, long_ms = (1000 * sum(each) / len(spent) for each in zip(*spent, strict=True))
    return {
        f"prediction_{SHORT}_events_ms": round(short_ms, 3),
        f"prediction_{LONG}_events_ms": round(long_ms, 3),
        "prediction_long_to_short": round(long_ms / short_ms, 2),
    }


def _course(project: Project) -> list[Event]:
    """One way through all rules and stories."""
    return [
        event for dialogue in dialogues([*project.rules, *project.stories], project.domain) for event in dialogue.events
    ]


def _steps(trackers: Sequence[Tracker], course: Iterable[Event]) -> list[tuple[Tracker, ...]]:
    """The trackers wherever something is to be decided, as they live through the first steps of a course."""
    found: list[tuple[Tracker, ...]] = []
    now = tuple(trackers)
    for event in itertools.cycle(course):
        now = tuple(tracker.apply(event) for tracker in now)
        if isinstance(event, UserUttered | ActionExecuted):
            found.append(now)
        if len(found) == _STEPS:
            break
    return found


def _both(policies: Policies, trackers: Sequence[Tracker]) -> list[float]:
    """The least time of several, in turn, so that what else the machine does falls upon both."""
    least = [float("inf")] * len(trackers)
    for _ in range(_ROUNDS):
        for at, tracker in enumerate(trackers):
            started = perf_counter()
            policies.predict(tracker)
            least[at] = min(least[at], perf_counter() - started)
    return least
