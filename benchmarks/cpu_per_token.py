"""What a token of a running answer costs the bot in processor time, at 1, 10 and 50 answers at once.

Counted in the middle of the answers, for some seconds in which none begins or ends:
reading the stream, keeping it, and showing it as often as Discord allows.
"""

from __future__ import annotations

import asyncio

from benchmarks.stage import BOTS, answering, performance

CROWDS = (1, 10, 50)
SECONDS = 15.0
SPEED = 60.0


async def main() -> None:
    """Measure and print."""
    print(f"  {'microseconds a token':24}{'Cogitor':>12}{'straightforward':>18}{'ratio':>9}")
    for crowd in CROWDS:
        ours, theirs = [await measure(module, crowd) * 1e6 for module in BOTS.values()]
        print(f"  {crowd:3} at once{'':13}{ours:12.0f}{theirs:18.0f}{ours / theirs:9.2f}")


async def measure(module: str, crowd: int) -> float:
    """Processor seconds a token, with `crowd` answers at once."""
    async with performance(module, answering(120, speed=SPEED)) as stage:
        stage.ask(range(crowd))
        await stage.until_streaming(crowd)
        processor, tokens = stage.process.processor_seconds(), stage.tokens()
        await asyncio.sleep(SECONDS)
        return (stage.process.processor_seconds() - processor) / (stage.tokens() - tokens)
