"""How soon the first word of an answer can be read on Discord, once the model has sent it.

The model waits between half a second and four, a different time for each answer,
so that its first word comes at any point of a bot's rhythm. In round trips to
Discord: one is the least that is possible.
"""

from __future__ import annotations

from statistics import median, quantiles

from benchmarks.stage import BOTS, ROUND_TRIP, answering, performance, question

ROUNDS = 4
AT_ONCE = 8
DELAYS = [0.5 + 3.5 * number / (ROUNDS * AT_ONCE) for number in range(ROUNDS * AT_ONCE)]


async def main() -> None:
    """Measure and print."""
    print(f"  {'round trips':18}{'median':>9}{'95 %':>9}{'worst':>9}")
    medians: dict[str, float] = {}
    for name, module in BOTS.items():
        waits = [seconds / ROUND_TRIP for seconds in await measure(module)]
        medians[name] = median(waits)
        print(f"  {name:18}{medians[name]:9.1f}{quantiles(waits, n=20)[-1]:9.1f}{max(waits):9.1f}")
    print(f"  ratio of medians  {medians['Cogitor'] / medians['straightforward']:9.2f}")


async def measure(module: str) -> list[float]:
    """Seconds from the first word at the model to the first word on Discord, for each answer."""
    waits: list[float] = []
    async with performance(module, answering(8, speed=40, delays=DELAYS)) as stage:
        for first in range(ROUNDS):
            # Interleaved, so that the answers of one round do not all come at the same time.
            threads = stage.ask(range(first, len(DELAYS), ROUNDS))
            await stage.until_first_word([*threads.values()])
            for number, thread in threads.items():
                record = await stage.until_asked(question(number))
                waits.append(stage.shown[thread].first_word - (record.first_token_at or 0.0))
    return waits
