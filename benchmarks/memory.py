"""How much memory the bot occupies at rest, and how much more for each of 50 and 200 answers, and for a huge one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from benchmarks.metronome import Metronome
from benchmarks.stage import BOTS, ask, bot_on, until

CROWD, LARGE_CROWD = 50, 200
"""The straightforward bot is spared the larger one: it spends its time waiting out refusals."""
RATE = 60.0
"""Tokens a second of each answer."""
TOKENS = [f"word {number % 100} " for number in range(720)]
"""Of each answer: twelve seconds and some six thousand characters, so that it goes over several messages."""
HUGE = [f"{number} {'of a thousand characters, ' * 38}\n" for number in range(1000)]
"""A megabyte, of which the messages show the beginning."""

_START_SECONDS = 1.0


async def main() -> None:
    """Measure and print."""
    print(f"  {'':40}{'Cogitor':>12}{'straightforward':>18}{'ratio':>9}")
    (idle, more), (their_idle, their_more) = [await measure(module, TOKENS, CROWD) for module in BOTS.values()]
    print(f"  {'at rest, MB':40}{idle / 1e6:12.1f}{their_idle / 1e6:18.1f}{idle / their_idle:9.2f}")
    each, theirs = more / CROWD, their_more / CROWD
    print(f"  {f'each of {CROWD} answers more, kB':40}{each / 1e3:12.0f}{theirs / 1e3:18.0f}{each / theirs:9.2f}")
    _, more = await measure(BOTS["Cogitor"], TOKENS, LARGE_CROWD)
    print(f"  {f'each of {LARGE_CROWD} answers more, kB':40}{more / LARGE_CROWD / 1e3:12.0f}{'–':>18}{'–':>9}")
    _, more = await measure(BOTS["Cogitor"], HUGE, 1)
    print(f"  {'one answer of a megabyte more, MB':40}{more / 1e6:12.1f}{'–':>18}{'–':>9}")


async def measure(module: str, tokens: Sequence[str], crowd: int) -> tuple[int, int]:
    """Bytes at rest, and the most that so many answers running at once added to that."""
    async with (
        Metronome(tokens, RATE, crowd) as model,
        bot_on(module, model.base_url) as (discord, process),
    ):
        await asyncio.sleep(_START_SECONDS)
        idle = process.memory()
        ask(discord.world, range(crowd))
        samples: list[int] = []

        def is_over() -> bool:
            samples.append(process.memory())
            return len(model.beats) > len(tokens)

        await until(is_over, process)
        return idle, max(samples) - idle
