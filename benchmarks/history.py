"""How much later a question reaches the model in a long thread than in a short one.

The long thread has 300 turns and about 150,000 tokens, each answer with its
reasoning; both are stored before the bot starts. The clock runs from the message's
creation on Discord until the model has the whole request.
"""

from __future__ import annotations

import time
from functools import partial
from statistics import median

from benchmarks.stage import BOTS, Stage, performance
from bot.messages import Conversation, Said, Step, Text, TurnStatus, Usage
from bot.playground.discord.world import World
from bot.playground.model import Script
from bot.store import Store

SCRIPT = Script.model_validate({"scenes": [{"name": "answer", "think": "Hm.", "say": "That is all."}]})
LONG, SHORT = 300, 1
ROUNDS = 5
WORDS = "All work and no play makes a benchmark a dull affair. "


async def main() -> None:
    """Measure and print."""
    threads: dict[int, int] = {}
    async with performance(BOTS["Cogitor"], SCRIPT, "That is all.", prepare=partial(_fill, threads)) as stage:
        delays: dict[int, list[float]] = {length: [] for length in threads}
        for number in range(ROUNDS):
            for length, thread in threads.items():
                delays[length].append(await _delay(stage, thread, f"round {number} of {length}"))
        long, short = median(delays[LONG]), median(delays[SHORT])
        size = max(len(record.raw) for record in stage.model.requests)
    print(f"  after {SHORT:3} turn    {short * 1000:8.0f} ms")
    print(f"  after {LONG:3} turns   {long * 1000:8.0f} ms   ({size / 1000:,.0f} kB sent)")
    print(f"  ratio             {long / short:8.2f}")


async def _delay(stage: Stage, thread: int, question: str) -> float:
    asked_at = time.time()
    stage.say(thread, question)
    arrived_at = await stage.until_asked(question)
    await stage.until_quiet([thread])
    return arrived_at - asked_at


async def _fill(threads: dict[int, int], world: World, database_url: str) -> None:
    """Make both threads and store their history; `threads` is given the id of each by its length."""
    channel = next(channel for channel in world.records.channels.values() if channel.name == "general")
    store = await Store.open(database_url)
    try:
        for length in (LONG, SHORT):
            thread = world.start_thread(world.bot_id, channel.id, {"name": f"{length} turns", "type": 11})
            threads[length] = thread.id
            owner = world.application.owner_id
            await store.add_conversation(Conversation(thread.id, channel.guild_id, owner, title=thread.name or ""))
            for number in range(length):
                await _store_turn(store, world, thread.id, number)
    finally:
        await store.close()


async def _store_turn(store: Store, world: World, thread_id: int, number: int) -> None:
    said = Said(
        world.mint(), world.application.owner_id, "Ada", (Text(f"Question {number}. {WORDS * 8}"),), time.time()
    )
    turn = await store.ask(thread_id, said)
    if turn is None:
        raise RuntimeError("the thread took no question")
    reasoning = f"Thought {number}. {WORDS * 10}"
    step = Step(
        model="moonshotai/kimi-k2-thinking-20251106",
        reasoning=reasoning,
        reasoning_details=({"type": "reasoning.text", "text": reasoning, "format": "unknown", "index": 0},),
        text=f"Answer {number}. {WORDS * 18}",
        finish="stop",
        usage=Usage(500, 500, 200, 0, 1_000),
    )
    await store.begin(turn.id)
    await store.finish(turn.id, TurnStatus.DONE, (step,), error=None, notices=[])
