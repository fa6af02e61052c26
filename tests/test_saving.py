"""What is read of an answer in time to be saved within two seconds, whether or not anything of it goes out."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from bot.engine import Draft
from bot.saving import SAVE_SECONDS, Saving
from tests.live_stage import virtual


@virtual
async def test_a_save_is_soon_shortly_before_it_and_not_right_after_something_went_out() -> None:
    nothing_is_written: Any = None
    saving, going_out = Saving(cast("Any", nothing_is_written), 1, asyncio.sleep), asyncio.Event()
    assert not saving.is_soon()
    often = asyncio.create_task(saving.often(Draft(), going_out))
    await asyncio.sleep(SAVE_SECONDS - 0.2)
    assert not saving.is_soon()
    await asyncio.sleep(0.11)
    assert saving.is_soon()
    going_out.set()
    await asyncio.sleep(0.01)
    assert not saving.is_soon()
    await asyncio.sleep(SAVE_SECONDS - 0.05)
    assert saving.is_soon()
    await asyncio.sleep(0.1)
    assert not saving.is_soon()
    often.cancel()
    await asyncio.wait({often})
