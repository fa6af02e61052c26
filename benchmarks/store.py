"""What it takes to write down a running answer of 8,000 characters, which happens whenever some of it is shown.

On a SQLite file, and on PostgreSQL where a server on this machine trusts the user
postgres: one answer alone, and in one go as many as may run at once in a busy bot.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import asyncpg

from bot.messages import Conversation, Said, Step, Text
from bot.store import Store

SERVER = "postgresql://postgres@127.0.0.1:5432"
DATABASE = "cogitor_benchmark"
SAVES = 200
CROWD = 50
STEP = Step(
    model="moonshotai/kimi-k2-thinking-20251106",
    reasoning="A thought that is neither short nor long. " * 50,
    reasoning_details=(
        {"type": "reasoning.text", "text": "A thought that is neither short nor long. " * 50, "index": 0},
    ),
    text="A sentence of an answer that is being written down while it runs. " * 120,
)


async def main() -> None:
    """Measure and print."""
    print(f"  {'':14}{'median, ms':>12}{'95 %, ms':>12}{'processor, ms':>16}{f'{CROWD} at once, ms each':>24}")
    with TemporaryDirectory() as folder:
        await _measure("SQLite", f"sqlite:///{Path(folder) / 'cogitor.db'}")
    try:
        async with postgres() as url:
            await _measure("PostgreSQL", url)
    except OSError:
        print(f"  PostgreSQL    no server at {SERVER}")


async def _measure(name: str, url: str) -> None:
    store = await Store.open(url)
    try:
        turns = [await _begun_turn(store, number) for number in range(1, CROWD + 1)]
        took: list[float] = []
        processor = time.process_time()
        for _ in range(SAVES):
            began = time.perf_counter()
            await store.save_drafts([(turns[0], 0, STEP)])
            took.append(time.perf_counter() - began)
        processor = (time.process_time() - processor) / SAVES
        began = time.perf_counter()
        await store.save_drafts([(turn, 0, STEP) for turn in turns])
        together = (time.perf_counter() - began) / CROWD
    finally:
        await store.close()
    last = quantiles(took, n=20)[-1]
    print(f"  {name:14}{median(took) * 1e3:12.2f}{last * 1e3:12.2f}{processor * 1e3:16.2f}{together * 1e3:24.2f}")


async def _begun_turn(store: Store, number: int) -> int:
    await store.add_conversation(Conversation(number, 1, 1))
    turn = await store.ask(number, Said(1_000 + number, 1, "Ada", (Text("Why?"),), time.time()))
    if turn is None:
        raise RuntimeError("the database took no question")
    await store.begin(turn.id)
    return turn.id


@asynccontextmanager
async def postgres(suffix: str = "") -> AsyncGenerator[str]:
    """A new, empty database, which is dropped again. Raises OSError where no server takes us."""
    name = DATABASE + suffix
    await _administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    try:
        yield f"{SERVER}/{name}"
    finally:
        await _administer(f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(*statements: str) -> None:
    connection = await asyncpg.connect(f"{SERVER}/postgres", timeout=5)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
