"""The time limit of many waits: it holds for each of them, and never takes somebody else's cancellation for its own."""

from __future__ import annotations

import asyncio

import pytest

from bot.openrouter.deadline import Deadline


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_wait_beyond_its_limit_is_a_timeout() -> None:
    deadline = Deadline()
    with pytest.raises(TimeoutError), deadline.until(now() + 0.01):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_each_wait_has_its_own_limit_whichever_is_sooner() -> None:
    deadline = Deadline()
    for seconds in (30.0, 0.02, 30.0, 0.01):
        begun = now()
        if seconds > 1:
            with deadline.until(begun + seconds):
                await asyncio.sleep(0.03)
            continue
        with pytest.raises(TimeoutError), deadline.until(begun + seconds):
            await asyncio.Event().wait()
        assert now() - begun >= seconds
    deadline.close()


async def test_what_ends_in_time_leaves_no_trace_when_the_limit_passes() -> None:
    deadline = Deadline()
    with deadline.until(now() + 0.01):
        await asyncio.sleep(0)
    await asyncio.sleep(0.03)
    with deadline.until(now() + 0.02):
        await asyncio.sleep(0)
    deadline.close()
    await asyncio.sleep(0.03)


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def wait() -> None:
        with Deadline().until(now() + 30):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_in_the_same_moment_goes_on() -> None:
    began = asyncio.Event()

    async def wait() -> None:
        with Deadline().until(now() + 0.01):
            began.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                task.cancel()  # while the time is up, somebody stops the task as well
                raise

    task = asyncio.create_task(wait())
    await began.wait()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_body_is_not_hidden() -> None:
    with pytest.raises(KeyError), Deadline().until(now() + 30):
        raise KeyError
