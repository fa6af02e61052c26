"""Signs of waiting questions, on a Discord that is slow: each is taken down again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from bot.messages import Said, Turn
from bot.waiting import Signs


class SlowDiscord:
    """Takes longer for what is asked first, and knows which messages carry a sign."""

    def __init__(self) -> None:
        self.signed: set[int] = set()
        self.asked: list[tuple[int, bool]] = []
        self._pauses = [3, 0, 2, 1]
        self._tasks: set[asyncio.Task[None]] = set()

    async def waiting(self, channel_id: int, message_id: int, waits: bool) -> None:
        for _ in range(self._pauses.pop(0)):
            await asyncio.sleep(0)
        self.asked.append((message_id, waits))
        (self.signed.add if waits else self.signed.discard)(message_id)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    async def done(self) -> set[int]:
        await asyncio.wait(self._tasks)
        await asyncio.sleep(0)
        return self.signed


@pytest.fixture
def discord() -> SlowDiscord:
    return SlowDiscord()


@pytest.fixture
def signs(discord: SlowDiscord) -> Signs:
    return Signs(discord, discord.spawn)


def turn(*message_ids: int) -> Turn:
    return Turn(1, 5, tuple(Said(message_id, 2, "Ann", (), 0.0) for message_id in message_ids))


async def test_a_sign_that_is_taken_down_at_once_does_not_stay(discord: SlowDiscord, signs: Signs) -> None:
    signs.put_up(turn(10))
    signs.take_down(1)
    assert await discord.done() == set()
    assert discord.asked == [(10, True), (10, False)]


async def test_signs_that_come_and_go_keep_their_order(discord: SlowDiscord, signs: Signs) -> None:
    for _ in range(2):
        signs.put_up(turn(10))
        signs.take_down(1)
    assert await discord.done() == set()
    assert [waits for _, waits in discord.asked] == [True, False, True, False]


async def test_a_sign_moves_when_its_message_is_gone(discord: SlowDiscord, signs: Signs) -> None:
    signs.put_up(turn(10, 11))
    signs.move(turn(10, 11))
    signs.move(turn(11))
    signs.take_down(1)
    assert await discord.done() == {10}
    assert (11, False) in discord.asked


async def test_what_carries_none_has_none_to_take_down(discord: SlowDiscord, signs: Signs) -> None:
    signs.move(turn(10))
    signs.take_down(1)
    signs.suppose(turn(10))
    signs.forget(1)
    signs.take_down(1)
    assert discord.asked == []


async def test_copies_were_never_sent_and_get_no_sign(discord: SlowDiscord, signs: Signs) -> None:
    signs.put_up(turn(-3))
    signs.take_down(1)
    assert discord.asked == []


async def test_a_sign_of_an_earlier_process_is_taken_down(discord: SlowDiscord, signs: Signs) -> None:
    discord.signed.add(10)
    signs.suppose(turn(10))
    signs.take_down(1)
    assert await discord.done() == set()
