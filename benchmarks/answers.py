"""How soon an answer is seen, how late its end is, and what it costs in requests to Discord.

One answer alone, and many at once in as many channels: Cogitor against the
straightforward bot, on the same servers with the same latency and rate limits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from benchmarks.stage import BOTS, performance, processor_seconds
from bot.playground.model import Script

SCRIPT = Script.model_validate(
    {
        "scenes": [
            {
                "name": "answer",
                "think": {"repeat": 8, "text": "Thought {n}: this takes a moment of thinking before words come. "},
                "say": {"repeat": 60, "text": "Sentence {n} of an answer that takes about a quarter of a minute. "},
                "speed": 70,
            }
        ]
    }
)
LAST_WORDS = "Sentence 60"
CROWDS = (1, 20)


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds, as medians over the answers of a crowd, and counts for the whole crowd."""

    first_sign: float
    first_message: float
    lateness: float
    worst_lateness: float
    requests: int
    limited: int
    processor: float


async def main() -> None:
    """Measure and print."""
    for crowd in CROWDS:
        figures = {name: await measure(module, crowd) for name, module in BOTS.items()}
        print(f"\n  {crowd} at once")
        _print(figures["Cogitor"], figures["straightforward"])


async def measure(module: str, crowd: int) -> Figures:
    """Ask one bot `crowd` questions at the same time, each in a channel of its own."""
    before = processor_seconds()
    async with performance(module, SCRIPT, LAST_WORDS) as stage:
        channels = [stage.add_channel(f"room-{number}") for number in range(crowd)]
        questions = [f"Tell me about benchmark {number:03d}." for number in range(crowd)]
        asked_at = time.time()
        threads = [stage.ask(channel, question) for channel, question in zip(channels, questions, strict=True)]
        await stage.until_quiet(threads)
    shown = [stage.shown[thread] for thread in threads]
    ended = [stage.answered_at(question) for question in questions]
    lateness = [one.ending - end for one, end in zip(shown, ended, strict=True)]
    return Figures(
        first_sign=median(one.first_sign - asked_at for one in shown),
        first_message=median(one.first_message - asked_at for one in shown),
        lateness=median(lateness),
        worst_lateness=max(lateness),
        requests=sum(stage.discord.rest.requests.values()),
        limited=sum(stage.discord.rest.limited.values()),
        processor=processor_seconds() - before,
    )


def _print(ours: Figures, theirs: Figures) -> None:
    print(f"  {'':34}{'Cogitor':>12}{'straightforward':>18}{'ratio':>9}")
    rows = (
        ("first sign, s", ours.first_sign, theirs.first_sign),
        ("first message, s", ours.first_message, theirs.first_message),
        ("end shown too late by, s", ours.lateness, theirs.lateness),
        ("the worst of these, s", ours.worst_lateness, theirs.worst_lateness),
        ("requests to Discord", ours.requests, theirs.requests),
        ("of them refused with 429", ours.limited, theirs.limited),
        ("processor time, start included, s", ours.processor, theirs.processor),
    )
    for name, own, other in rows:
        ratio = f"{own / other:.2f}" if other else "–"
        print(f"  {name:34}{own:12.2f}{other:18.2f}{ratio:>9}")
