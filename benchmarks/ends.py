"""How soon the end of an answer is shown, and what an answer costs in requests to Discord: alone, and 20 at once."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks.stage import BOTS, ROUND_TRIP, answering, performance, question

CROWDS = (1, 20)


@dataclass(frozen=True, slots=True)
class Figures:
    """Lateness in round trips, requests in numbers; the latter for the whole crowd."""

    lateness: float
    worst_lateness: float
    requests: int
    refused: int


async def main() -> None:
    """Measure and print."""
    print(f"  {'':32}{'Cogitor':>10}{'straightforward':>18}{'ratio':>8}")
    for crowd in CROWDS:
        ours, theirs = [await measure(module, crowd) for module in BOTS.values()]
        print(f"  {crowd} at once")
        rows = (
            ("end shown late, round trips", ours.lateness, theirs.lateness),
            ("the worst of these", ours.worst_lateness, theirs.worst_lateness),
            ("requests to Discord", ours.requests, theirs.requests),
            ("of them refused with 429", ours.refused, theirs.refused),
        )
        for name, own, other in rows:
            ratio = f"{own / other:.2f}" if other else "–"
            print(f"    {name:30}{own:10.4g}{other:18.4g}{ratio:>8}")


async def measure(module: str, crowd: int) -> Figures:
    """Let one bot answer `crowd` questions at the same time, each of them for about six seconds."""
    async with performance(module, answering(30)) as stage:
        threads = stage.ask(range(crowd))
        await stage.until_quiet([*threads.values()])
        lateness = [
            (stage.shown[thread].ending - ((await stage.until_asked(question(number))).ended_at or 0.0)) / ROUND_TRIP
            for number, thread in threads.items()
        ]
        requests, refused = sum(stage.discord.rest.requests.values()), sum(stage.discord.rest.limited.values())
    return Figures(median(lateness), max(lateness), requests, refused)
