"""How much later a question reaches the model in a long thread than in a short one.

The long thread has 300 turns and about 215,000 tokens by the bot's own estimate, close
to all that fits the default model's window; each answer has its reasoning. Both threads are stored
before the bot starts. The clock runs from the message's creation on Discord until
the model has the whole request.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise
from statistics import median

from benchmarks.stage import BOTS, FIRST_WORD, LAST_WORDS, Stage, answering, performance
from bot.messages import Conversation, Said, Step, Text, TurnStatus, Usage
from bot.playground.discord.world import World
from bot.store import Store

LONG, SHORT = 300, 3
ROUNDS = 8
WORDS = "All work and no play makes a benchmark a dull affair. "


async def main() -> None:
    """Measure and print."""
    threads: dict[int, int] = {}
    delays: dict[int, list[float]] = {LONG: [], SHORT: []}
    bodies: dict[int, list[bytes]] = {LONG: [], SHORT: []}
    script = answering(1, speed=1_000, delays=(0.01,))
    async with performance(BOTS["Cogitor"], script, prepare=partial(_fill, threads)) as stage:
        for number in range(ROUNDS):
            for length, thread in threads.items():
                delay, body = await _ask(stage, thread, f"What is round {number} of {length}?")
                delays[length].append(delay)
                bodies[length].append(body)
    long, short = median(delays[LONG]), median(delays[SHORT])
    for length, delay in ((SHORT, short), (LONG, long)):
        print(f"  after {length:3} turns{delay * 1000:8.0f} ms{len(bodies[length][-1]) / 1000:12,.0f} kB sent")
    print(f"  ratio          {long / short:8.2f}, or {(long - short) * 1000:.0f} ms more")
    print(f"  {_repeated(bodies[LONG]):.2%} of a request to the long thread is how the next one begins")


async def _ask(stage: Stage, thread: int, question: str) -> tuple[float, bytes]:
    """Seconds until the question is at the model, and the request it came with."""
    stage.shown.pop(thread, None)
    asked_at = time.time()
    stage.say(thread, question)
    record = await stage.until_asked(question)
    await stage.until_quiet([thread])
    return record.at - asked_at, record.raw


def _repeated(bodies: list[bytes]) -> float:
    """The share of each request that the next one begins with, as a median."""
    return median(_common(one, following) / len(one) for one, following in pairwise(bodies))


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two requests have in common at their beginning."""
    same, differs = 0, min(len(one), len(other)) + 1
    while differs - same > 1:
        middle = (same + differs) // 2
        same, differs = (middle, differs) if one[:middle] == other[:middle] else (same, middle)
    return same


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
        world.mint(), world.application.owner_id, "Ada", (Text(f"Question {number}. {WORDS * 9}"),), time.time()
    )
    turn = await store.ask(thread_id, said)
    if turn is None:
        raise RuntimeError("the thread took no question")
    reasoning = f"Thought {number}. {WORDS * 13}"
    step = Step(
        model="moonshotai/kimi-k2-thinking-20251106",
        reasoning=reasoning,
        reasoning_details=({"type": "reasoning.text", "text": reasoning, "format": "unknown", "index": 0},),
        text=f"{FIRST_WORD} {number}. {WORDS * 22} {LAST_WORDS}",
        finish="stop",
        usage=Usage(500, 500, 200, 0, 1_000),
    )
    await store.begin(turn.id)
    await store.finish(turn.id, TurnStatus.DONE, (step,), error=None, notices=[])
    await store.note_shown(turn.id)
