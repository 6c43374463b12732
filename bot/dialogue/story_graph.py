"""Stories cut at their checkpoints, and which stretch may follow which. Knows nothing of events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.dialogue.project import CheckpointStep, Step, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of a story between checkpoints; without ``starts`` it opens a conversation."""

    story: Story
    starts: tuple[CheckpointStep, ...]
    steps: tuple[Step, ...]
    ends: tuple[CheckpointStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryGraph:
    """The blocks of all stories. ``onward[i]``: the checkpoint and the block that may follow block ``i``.

    ``back``: the pairs of blocks without which there is no circle, found depth first.
    """

    blocks: tuple[Block, ...]
    onward: tuple[tuple[tuple[str, int], ...], ...]
    back: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, stories: Sequence[Story]) -> "StoryGraph":
        """Join the stories by the names of their checkpoints."""
        blocks = tuple(block for story in stories for block in _blocks(story))
        starts: dict[str, list[int]] = {}
        for at, block in enumerate(blocks):
            for start in block.starts:
                starts.setdefault(start.name, []).append(at)
        onward = tuple(
            tuple(dict.fromkeys((end.name, at) for end in block.ends for at in starts.get(end.name, ())))
            for block in blocks
        )
        return cls(blocks=blocks, onward=onward, back=_turning_back(blocks, onward))


def _blocks(story: Story) -> Iterator[Block]:
    """Cut a story at its checkpoints: those before its first other step open it, later ones end a block."""
    starts: tuple[CheckpointStep, ...] = ()
    steps: list[Step] = []
    ends: tuple[CheckpointStep, ...] = ()
    for step in story.steps:
        if isinstance(step, CheckpointStep):
            if steps:
                ends = (*ends, step)
            else:
                starts = (*starts, step)
            continue
        if ends:
            yield Block(story=story, starts=starts, steps=tuple(steps), ends=ends)
            starts = tuple(replace(end, conditions=()) for end in ends)
            steps, ends = [], ()
        steps.append(step)
    if steps or story.condition:
        yield Block(story=story, starts=starts, steps=tuple(steps), ends=ends)


def _turning_back(blocks: Sequence[Block], onward: Sequence[Sequence[tuple[str, int]]]) -> frozenset[tuple[int, int]]:
    back: set[tuple[int, int]] = set()
    finished: set[int] = set()
    for root in sorted(range(len(blocks)), key=lambda at: bool(blocks[at].starts)):
        under_way = dict[int, Iterator[tuple[str, int]]]()
        if root not in finished:
            under_way[root] = iter(onward[root])
        while under_way:
            at, ways = next(reversed(under_way.items()))
            following = next((way[1] for way in ways), None)
            if following is None:
                finished.add(at)
                del under_way[at]
            elif following in under_way:
                back.add((at, following))
            elif following not in finished:
                under_way[following] = iter(onward[following])
    return frozenset(back)
