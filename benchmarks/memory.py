"""How much memory the bot occupies at rest, and how much more for each of 50 running answers."""

from __future__ import annotations

import asyncio

from benchmarks.stage import BOTS, Stage, answering, performance

CROWD = 50
SECONDS = 8.0
SPEED = 60.0


async def main() -> None:
    """Measure and print."""
    (idle, each), (their_idle, their_each) = [await measure(module) for module in BOTS.values()]
    print(f"  {'':24}{'Cogitor':>12}{'straightforward':>18}{'ratio':>9}")
    print(f"  {'at rest, MB':24}{idle / 1e6:12.1f}{their_idle / 1e6:18.1f}{idle / their_idle:9.2f}")
    print(f"  {'each answer more, kB':24}{each / 1e3:12.0f}{their_each / 1e3:18.0f}{each / their_each:9.2f}")


async def measure(module: str) -> tuple[float, float]:
    """Bytes at rest, and the most that CROWD running answers added to that, divided among them."""
    async with performance(module, answering(100, speed=SPEED)) as stage:
        await asyncio.sleep(1.0)
        idle = stage.process.memory()
        stage.ask(range(CROWD))
        await stage.until_streaming(CROWD)
        return idle, (await _peak(stage) - idle) / CROWD


async def _peak(stage: Stage) -> int:
    samples: list[int] = []
    async with asyncio.timeout(SECONDS + 5):
        while len(samples) < SECONDS * 10:
            samples.append(stage.process.memory())
            await asyncio.sleep(0.1)
    return max(samples)
