"""Batches form by themselves under load, and a lone caller never waits for company."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.batching import MicroBatcher
from bot.errors import ModelsBusy


async def test_calls_during_a_batch_form_the_next_one() -> None:
    batches: list[list[int]] = []
    gate = threading.Event()

    def run(items: list[int]) -> list[int]:
        batches.append(list(items))
        gate.wait(5)
        return [item * 10 for item in items]

    with ThreadPoolExecutor(1) as pool:
        batcher = MicroBatcher(run, pool, max_batch=3)
        first = asyncio.create_task(batcher(1))
        while not batches:
            await asyncio.sleep(0.001)
        rest = [asyncio.create_task(batcher(item)) for item in (2, 3, 4, 5)]
        await asyncio.sleep(0)
        gate.set()
        assert await asyncio.gather(first, *rest) == [10, 20, 30, 40, 50]
    assert batches == [[1], [2, 3, 4], [5]]


async def test_an_error_reaches_the_callers_of_its_batch_only() -> None:
    def run(items: list[int]) -> list[int]:
        if 0 in items:
            raise ValueError("zero")
        return items

    with ThreadPoolExecutor(1) as pool:
        batcher = MicroBatcher(run, pool)
        with pytest.raises(ValueError, match="zero"):
            await batcher(0)
        assert await batcher(1) == 1


async def test_a_bound_on_waiting_calls_and_cancelled_callers() -> None:
    gate = threading.Event()

    def run(items: list[int]) -> list[int]:
        gate.wait(5)
        return items

    with ThreadPoolExecutor(1) as pool:
        batcher = MicroBatcher(run, pool, max_batch=1, max_waiting=1)
        running = asyncio.create_task(batcher(1))
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(batcher(2))
        await asyncio.sleep(0)
        with pytest.raises(ModelsBusy):
            await batcher(3)
        waiting.cancel()
        gate.set()
        assert await running == 1
        assert await batcher(4) == 4
