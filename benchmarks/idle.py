"""How much memory conversations take while nothing happens in them: 10,000 stored ones, and each that was answered.

The stored ones were answered by an earlier process. The others are answered by the
one that is measured, some at a time, and then left alone; what remains of each is
mostly discord.py's own record of its thread.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from benchmarks.stage import BOTS, answering, performance
from bot.messages import Conversation, Said, Step, Text, TurnStatus
from bot.playground.discord.world import World
from bot.store import Store

STORED = 10_000
ANSWERED, AT_ONCE = 400, 40
SENTENCES = 4

_LONG_AGO_SECONDS = 30 * 86_400.0
_SETTLING_SECONDS = 3.0


async def main() -> None:
    """Measure and print."""
    nothing, _ = await measure(0, 0)
    stored, _ = await measure(STORED, 0)
    _, answered = await measure(0, ANSWERED)
    print(f"  at rest with no conversation                 {nothing / 1e6:10.1f} MB")
    print(f"  at rest with {STORED:,} stored ones            {stored / 1e6:10.1f} MB   ratio {stored / nothing:.2f}")
    print(f"  each of {ANSWERED} answered and left alone, more     {answered / ANSWERED / 1e3:10.1f} kB")
    print(f"  so {STORED:,} of these                         {answered / ANSWERED * STORED / 1e6:10.1f} MB")


async def measure(stored: int, answered: int) -> tuple[int, int]:
    """Bytes at rest with so many stored conversations, and what is more after so many were answered."""
    script = answering(SENTENCES, speed=200.0)
    async with performance(BOTS["Cogitor"], script, prepare=partial(_fill, stored)) as stage:
        await asyncio.sleep(_SETTLING_SECONDS)
        at_rest = stage.process.memory()
        for first in range(0, answered, AT_ONCE):
            await stage.until_quiet([*stage.ask(range(first, first + AT_ONCE)).values()])
        await asyncio.sleep(_SETTLING_SECONDS)
        return at_rest, stage.process.memory() - at_rest


async def _fill(count: int, world: World, database_url: str) -> None:
    """Store conversations of one turn each, in threads that were archived long ago."""
    store = await Store.open(database_url)
    guild_id, at = next(iter(world.records.guilds)), time.time() - _LONG_AGO_SECONDS
    try:
        for number in range(1, count + 1):
            await store.add_conversation(Conversation(number, guild_id, 1, created_at=at))
            turn = await store.ask(number, Said(number, 1, "Ada", (Text("Why?"),), at))
            if turn is not None:
                step = Step(text="Because. " * 50, finish="stop")
                await store.finish(turn.id, TurnStatus.DONE, (step,), error=None, notices=[])
                await store.note_shown(turn.id)
    finally:
        await store.close()
