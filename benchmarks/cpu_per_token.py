"""What a token of a running answer costs the bot in processor time, at 1, 10 and 50 answers at once.

Counted in the middle of the answers, for some seconds in which none begins or ends:
reading the stream, keeping it, and showing it as often as Discord allows. Both bots
are measured several times, in turns, for a shared machine is quicker now than then.
"""

from __future__ import annotations

import asyncio
from statistics import median

from benchmarks.stage import BOTS, answering, performance

CROWDS = (1, 10, 50)
SECONDS = 10.0
ROUNDS = 3
SPEED = 60.0


async def main() -> None:
    """Measure and print."""
    print(f"  {'microseconds a token':24}{'Cogitor':>12}{'straightforward':>18}{'ratio':>9}")
    for crowd in CROWDS:
        rounds = [[await measure(module, crowd) * 1e6 for module in BOTS.values()] for _ in range(ROUNDS)]
        ours, theirs = (median(figures) for figures in zip(*rounds, strict=True))
        print(f"  {crowd:3} at once{'':13}{ours:12.0f}{theirs:18.0f}{ours / theirs:9.2f}")


async def measure(module: str, crowd: int) -> float:
    """Processor seconds a token, with `crowd` answers at once."""
    async with performance(module, answering(120, speed=SPEED)) as stage:
        stage.ask(range(crowd))
        await stage.until_streaming(crowd)
        processor, tokens = stage.process.processor_seconds(), stage.tokens()
        await asyncio.sleep(SECONDS)
        return (stage.process.processor_seconds() - processor) / (stage.tokens() - tokens)
