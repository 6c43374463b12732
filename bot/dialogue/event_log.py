"""A list of events that grows in constant time and leaves every shorter version of itself valid."""

from collections.abc import Iterator, Sequence
from typing import overload

from bot.dialogue.events import Event


class EventLog(Sequence[Event]):
    """A list that grows without invalidating its shorter versions: they are prefixes of the same storage."""

    __slots__ = ("_items", "_size")

    def __init__(self, items: list[Event], size: int) -> None:
        self._items, self._size = items, size

    def append(self, event: Event) -> "EventLog":
        """A log with one more event; this one stays as it is."""
        items = self._items
        if len(items) != self._size:  # another version grew first: this one branches off
            items = items[: self._size]
        items.append(event)
        return EventLog(items, self._size + 1)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._size)
            if step > 0:
                return self._items[start:stop:step]
            return [self._items[i] for i in range(start, stop, step)]
        if not -self._size <= index < self._size:
            raise IndexError(index)
        return self._items[index if index >= 0 else self._size + index]

    def __iter__(self) -> Iterator[Event]:
        return (self._items[i] for i in range(self._size))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by value, like a list

    def __repr__(self) -> str:
        return repr(list(self))
