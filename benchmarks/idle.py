"""How much memory conversations take while nothing happens in them: 10,000 stored ones, and each that was answered.

The stored ones were answered by an earlier process. The others are answered by the
one that is measured, some at a time, and then left alone; what remains of each is
mostly discord.py's own record of its thread.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.stage import BOTS, answering, performance
from bot.messages import Step, Text
from bot.playground.discord.world import World
from bot.store import Store, tables
from bot.store.codec import encode_part, encode_step
from bot.store.connect import parse_url

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
    await (await Store.open(database_url)).close()
    engine = create_async_engine(parse_url(database_url))
    guild_id, at, ids = next(iter(world.records.guilds)), time.time() - _LONG_AGO_SECONDS, range(1, count + 1)
    place = {"guild_id": guild_id, "owner_id": 1, "title": "", "listen": "all", "show_reasoning": "hidden"}
    message = {"author_id": 1, "author_name": "Ada", "parts": [encode_part(Text("Why?"))], "at": at}
    body = encode_step(Step(text="Because. " * 50, finish="stop"))
    async with engine.begin() as db:
        for table, row in (
            (tables.conversations, {**place, "first_turn_id": 0, "first_whole_turn_id": 0, "created_at": at}),
            (tables.turns, {"status": "done", "attempt": 1, "notices": []}),
            (tables.said, message),
            (tables.steps, {"position": 0, "body": body}),
        ):
            key = {tables.said: "turn_id", tables.steps: "turn_id", tables.turns: "conversation_id"}.get(table)
            rows = [{**row, **({"id": n} if "id" in table.c else {}), **({key: n} if key else {})} for n in ids]
            if rows:
                await db.execute(insert(table), rows)
    await engine.dispose()
