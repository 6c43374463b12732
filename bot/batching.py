"""Calls that arrive while a model is busy run together as its next batch. Knows nothing of models.

A single caller never waits for company: an idle batcher starts at once. Under load the batch grows by itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from bot.errors import ModelsBusy

Item = TypeVar("Item")
Out = TypeVar("Out")


class MicroBatcher(Generic[Item, Out]):
    """Runs ``run(items) -> outs`` (same length and order) in ``executor``, one batch at a time.

    Without an executor, in some thread of the event loop's own. Raises ModelsBusy when more than ``max_waiting`` calls
    wait. An error of ``run`` reaches every caller of its batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Out]],
        executor: Executor | None,
        *,
        max_batch: int = 32,
        max_waiting: int = 512,
    ) -> None:
        self._run = run
        self._executor = executor
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Out]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Out:
        """The result for one item."""
        if len(self._waiting) >= self._max_waiting:
            raise ModelsBusy(f"{self._max_waiting} messages wait for a model already")
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
            work = loop.run_in_executor(self._executor, self._run, [item for item, _ in batch])
            results = (await asyncio.gather(work, return_exceptions=True))[0]
            for index, (_, future) in enumerate(batch):
                if future.done():  # its caller gave up
                    continue
                if isinstance(results, BaseException):
                    future.set_exception(results)
                else:
                    future.set_result(results[index])
        self._task = None
