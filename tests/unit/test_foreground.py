"""Slow work stands back for turns that began a moment ago, and for no others."""

import asyncio

from bot.foreground import URGENT_S, Foreground


async def test_a_turn_goes_first_until_it_ends() -> None:
    foreground = Foreground()
    assert foreground.calm.is_set()
    with foreground.turn():
        with foreground.turn():
            assert not foreground.calm.is_set()
        assert not foreground.calm.is_set()
    assert foreground.calm.is_set()


async def test_a_turn_that_fails_leaves_nothing_behind() -> None:
    foreground = Foreground()
    try:
        with foreground.turn():
            raise ValueError
    except ValueError:
        assert foreground.calm.is_set()


async def test_a_turn_that_waits_for_something_is_not_waited_for() -> None:
    foreground = Foreground()
    with foreground.turn():
        while not foreground.calm.is_set():
            await asyncio.sleep(URGENT_S / 10)
        with foreground.turn():
            assert not foreground.calm.is_set()
        assert foreground.calm.is_set()
